"""Target assignment by Darknet's rules: which cell and anchor predicts which truth."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from darknet_py.layers.heads.anchored import Anchored
from darknet_py.losses.truths import Truths


@dataclass(frozen=True)
class Positives:
    """Pairs of a predicted box and a truth, in the order Darknet visits them.

    Args:
        box: (P,) index into the head's boxes of the whole batch, image by image: (image * H * W + cell) * A +
            anchor.
        truth_cxcywh: (P, 4).
        label: (P,).
    """

    box: Tensor
    truth_cxcywh: Tensor
    label: Tensor

    def __len__(self) -> int:
        return len(self.box)

    def rounds(self) -> list[Positives]:
        """The same pairs in rounds: no round has one box twice, and earlier truths come first."""
        order = torch.sort(self.box, stable=True).indices
        boxes = self.box[order]
        first = torch.searchsorted(boxes, boxes)
        rank = torch.empty_like(boxes)
        rank[order] = torch.arange(len(boxes), device=boxes.device) - first
        return [self.where(rank == r) for r in range(int(rank.max()) + 1)] if len(self) else []

    def where(self, chosen: Tensor) -> Positives:
        """Some of the pairs."""
        return Positives(self.box[chosen], self.truth_cxcywh[chosen], self.label[chosen])


def assign_targets(layer: Anchored, truths: Truths, grid: tuple[int, int], net: tuple[int, int]) -> Positives:
    """Assign every truth to anchors of the cell that contains it.

    The anchor most similar to a truth, among all `num` anchors and not only those of this head, is assigned
    it if it belongs to this head; with iou_thresh < 1 so is every other masked anchor that is similar enough.

    Args:
        grid: rows and columns of the head.
        net: height and width of the network's input in pixels.
    """
    (rows, columns), (height, width) = grid, net
    image, number = torch.nonzero((truths.labels >= 0) & (truths.labels < layer.classes), as_tuple=True)
    boxes = truths.boxes_cxcywh[image, number]
    x, y = (boxes[:, :2] + layer.from_centre * boxes[:, 2:]).unbind(dim=1)
    column, row = (x * columns).long().clamp(0, columns - 1), (y * rows).long().clamp(0, rows - 1)
    anchors = boxes.new_tensor(layer.pairs) / boxes.new_tensor([width, height])
    best = centred_similarity("iou", anchors, boxes[:, 2:]).argmax(dim=1)
    mask = torch.tensor(layer.mask, device=boxes.device)
    matches = best.unsqueeze(1) == mask
    if layer.iou_thresh < 1:
        matches |= centred_similarity(layer.iou_thresh_kind, anchors[mask], boxes[:, 2:]) > layer.iou_thresh
    pair, anchor = torch.nonzero(matches, as_tuple=True)
    cell = (image * rows + row) * columns + column
    return Positives(cell[pair] * len(mask) + anchor, boxes[pair], truths.labels[image, number][pair])


def centred_similarity(kind: str, anchors: Tensor, sizes: Tensor) -> Tensor:
    """IoU (or giou, diou, ciou) of boxes with a common centre, by width and height.

    Args:
        anchors: (A, 2) or (P, A, 2).
        sizes: (P, 2).

    Returns:
        (P, A).
    """
    least = torch.minimum(anchors, sizes.unsqueeze(1)).prod(-1)
    union = anchors.prod(-1) + sizes.prod(-1).unsqueeze(1) - least
    iou = least / union
    if kind == "giou":
        hull = torch.maximum(anchors, sizes.unsqueeze(1)).prod(-1)
        return iou - (hull - union) / hull
    if kind == "ciou":
        turn = torch.atan(sizes[:, 0] / sizes[:, 1]).unsqueeze(1) - torch.atan(
            anchors[..., 0] / anchors[..., 1]
        )
        v = 4 / math.pi**2 * turn**2
        return iou - v * v / (1 - iou + v + 1e-6)
    return iou  # a common centre: the distance of diou is 0
