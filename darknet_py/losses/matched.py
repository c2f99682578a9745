"""The loss of heads that share target assignment: exact gradients, several boxes for each truth.

Candidates for a truth are the anchors of similar size in its own cell and the two nearest ones, at every head
(Wang, Bochkovskiy and Liao, "Scaled-YOLOv4", CVPR 2021, arXiv:2011.08036). With `assigner=simota` only the
best of those are, by what the network predicts now: as many as overlap the truth well, at the least cost of
class and box (Ge et al., "YOLOX", 2021, arXiv:2107.08430; over anchors: Wang, Bochkovskiy and Liao, "YOLOv7",
CVPR 2023, arXiv:2207.02696).

    loss = iou_normalizer * sum over positives of (1 - CIoU)
         + obj_normalizer * sum over boxes of BCE(objectness, greatest overlap of a positive, or 0)
         + cls_normalizer * sum over positives of BCE(classes)

Sums over images, as Darknet's loss; so it does not depend on how a batch is divided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from darknet_py.boxes import iou_of_pairs, xyxy_from_cxcywh
from darknet_py.layers.heads.yolo import Yolo
from darknet_py.losses.base import HeadLoss
from darknet_py.losses.truths import Truths

MAX_SIDE_RATIO = 4.0  # a truth's sides are less than so many times the anchor's, and the other way round
MAX_OVERLAPS = 10  # of a truth are summed, for the number of boxes that it is assigned to
OVERLAP_COST = 3.0  # of -log(overlap), relative to the cost of the class
LEAST_LOGIT = 1e-6  # of probabilities that new_coords' layer before gives, and their distance from 1


@dataclass(frozen=True)
class Pairs:
    """Pairs of boxes of all heads and truths.

    Args:
        head: (P,), which head.
        box: (P,), index into that head's boxes of the whole batch.
        truth: (P,), index into the truths of the whole batch.
    """

    head: Tensor
    box: Tensor
    truth: Tensor

    def where(self, best_pairs: Tensor) -> Pairs:
        """Some of the pairs."""
        return Pairs(self.head[best_pairs], self.box[best_pairs], self.truth[best_pairs])


@dataclass(frozen=True)
class PredictedBoxes:
    """The predictions of a head: corners of boxes (B, 4), and logits (B, 1 + K) of objectness and classes."""

    boxes_xyxy_px: Tensor
    logits: Tensor

    @classmethod
    def of(cls, layer: Yolo, raw: Tensor, net: tuple[int, int]) -> PredictedBoxes:
        """Decode a head's raw map (N, C, H, W); `net` is the input's height and width in pixels."""
        n, _, h, w = raw.shape
        boxes = layer.decode(raw, *net)[0].reshape(-1, 4) * raw.new_tensor([net[1], net[0]] * 2)
        cells = raw.view(n, -1, layer.entries, h, w).permute(0, 3, 4, 1, 2)
        logits = cells[..., 4:].reshape(-1, layer.entries - 4)
        return cls(xyxy_from_cxcywh(boxes), logits.logit(LEAST_LOGIT) if layer.new_coords else logits)


def matched_losses(
    heads: Sequence[tuple[Yolo, Tensor]], truths: Truths, net: tuple[int, int]
) -> list[HeadLoss]:
    """The gradient and the loss of every head.

    Args:
        heads: each with its raw map (N, C, H, W).
        net: height and width of the network's input in pixels.
    """
    raws = [raw.detach().float().requires_grad_() for _, raw in heads]
    layers = [layer for layer, _ in heads]
    with torch.enable_grad():
        predicted = [PredictedBoxes.of(layer, raw, net) for layer, raw in zip(layers, raws, strict=True)]
        image, number = torch.nonzero(
            (truths.labels >= 0) & (truths.labels < layers[0].classes), as_tuple=True
        )
        boxes, labels = truths.boxes_cxcywh[image, number], truths.labels[image, number]
        pairs = candidates(layers, raws, image, boxes, net)
        true_px = xyxy_from_cxcywh(boxes) * boxes.new_tensor([net[1], net[0]] * 2)
        if layers[0].assigner == "simota":
            pairs = best_pairs(pairs, predicted, true_px, labels)
        losses = [
            _loss(layer, one, pairs.where(pairs.head == k), true_px, labels)
            for k, (layer, one) in enumerate(zip(layers, predicted, strict=True))
        ]
        grads = torch.autograd.grad(torch.stack(losses).sum(), raws)
    return [
        HeadLoss(-layer.delta_normalizer * grad, loss.detach())
        for layer, grad, loss in zip(layers, grads, losses, strict=True)
    ]


def candidates(
    layers: Sequence[Yolo], raws: Sequence[Tensor], image: Tensor, boxes: Tensor, net: tuple[int, int]
) -> Pairs:
    """The boxes of similar anchors, in a truth's cell and its two nearest neighbours, at every head.

    Args:
        image: (T,), which image each truth is in.
        boxes: (T, 4) centre and size, fractions of the input.
    """
    found = []
    for k, (layer, raw) in enumerate(zip(layers, raws, strict=True)):
        rows, columns = raw.shape[2:]
        anchors = boxes.new_tensor(layer.masked) / boxes.new_tensor([net[1], net[0]])
        ratio = boxes[:, None, 2:] / anchors
        similar = torch.maximum(ratio, 1 / ratio).amax(dim=2) < MAX_SIDE_RATIO  # (T, A)
        column, row, inside = _cells(boxes, rows, columns, beyond=(layer.scale_x_y - 1) / 2)  # (T, 3) each
        truth, cell, anchor = torch.nonzero(similar[:, None, :] & inside[:, :, None], as_tuple=True)
        place = (image[truth] * rows + row[truth, cell]) * columns + column[truth, cell]
        found.append(Pairs(torch.full_like(truth, k), place * len(layer.mask) + anchor, truth))
    return Pairs(*(torch.cat([getattr(one, name) for one in found]) for name in ("head", "box", "truth")))


def _cells(boxes: Tensor, rows: int, columns: int, *, beyond: float) -> tuple[Tensor, Tensor, Tensor]:
    """A truth's own cell, its nearest neighbours in the row and in the column, and which are candidates.

    Args:
        beyond: how far from its cell a centre can be predicted, in cells; farther cells are no candidates.
    """
    x, y = boxes[:, 0] * columns, boxes[:, 1] * rows
    own_x, own_y = x.long().clamp(0, columns - 1), y.long().clamp(0, rows - 1)
    next_x = own_x + torch.where(x - own_x < 0.5, -1, 1)
    next_y = own_y + torch.where(y - own_y < 0.5, -1, 1)
    column, row = torch.stack([own_x, next_x, own_x], dim=1), torch.stack([own_y, own_y, next_y], dim=1)
    inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
    far_x, far_y = (0.5 - (part - part.floor() - 0.5).abs() for part in (x, y))
    far = torch.stack([torch.zeros_like(x), far_x, far_y], dim=1)
    return column, row, inside & ((far < beyond) | (far == 0))


@torch.no_grad()
def best_pairs(pairs: Pairs, predicted: Sequence[PredictedBoxes], true_px: Tensor, labels: Tensor) -> Pairs:
    """The best pairs of each truth, and of each box the one pair that costs least."""
    if not len(pairs.box):
        return pairs
    boxes, logits = (
        _gathered([getattr(one, name) for one in predicted], pairs) for name in ("boxes_xyxy_px", "logits")
    )
    overlap = iou_of_pairs(boxes, true_px[pairs.truth])
    score = (logits[:, :1].sigmoid() * logits[:, 1:].sigmoid()).sqrt().clamp(1e-7, 1 - 1e-7)
    truth = torch.nn.functional.one_hot(labels[pairs.truth], score.shape[1])
    cost = -torch.where(truth > 0, score, 1 - score).log().sum(dim=1)
    cost = cost - OVERLAP_COST * (overlap + 1e-8).log()
    best = torch.where(_rank(pairs.truth, -overlap) < MAX_OVERLAPS, overlap, 0.0)
    wanted = (
        torch.zeros(len(true_px), device=cost.device).index_add_(0, pairs.truth, best).long().clamp(min=1)
    )
    taken = _rank(pairs.truth, cost) < wanted[pairs.truth]
    pairs, cost = pairs.where(taken), cost[taken]
    sizes = torch.tensor([0, *(len(one.logits) for one in predicted)], device=cost.device).cumsum(0)
    return pairs.where(_rank(pairs.box + sizes[pairs.head], cost) == 0)


def _gathered(tables: Sequence[Tensor], pairs: Pairs) -> Tensor:
    """The rows of each head's table that the pairs name; pairs are sorted by head."""
    return torch.cat([table[pairs.box[pairs.head == k]] for k, table in enumerate(tables)])


def _rank(group: Tensor, cost: Tensor) -> Tensor:
    """The place of each entry among those of its group, the least cost first; earlier ones win ties."""
    order = torch.argsort(cost, stable=True)
    order = order[torch.argsort(group[order], stable=True)]
    sorted_group = group[order]
    rank = torch.empty_like(group)
    first = torch.searchsorted(sorted_group, sorted_group)
    rank[order] = torch.arange(len(group), device=group.device) - first
    return rank


def _loss(layer: Yolo, predicted: PredictedBoxes, pairs: Pairs, true_px: Tensor, labels: Tensor) -> Tensor:
    """The sum of the three parts, over the batch."""
    boxes, true = predicted.boxes_xyxy_px[pairs.box], true_px[pairs.truth]
    iou_loss = _iou_loss(layer.iou_loss, boxes, true)
    target = torch.zeros_like(predicted.logits[:, 0])
    target.scatter_reduce_(0, pairs.box, iou_of_pairs(boxes.detach(), true), "amax")
    objectness = binary_cross_entropy_with_logits(predicted.logits[:, 0], target, reduction="sum")
    logits = predicted.logits[pairs.box, 1:]
    one = torch.nn.functional.one_hot(labels[pairs.truth], layer.classes).to(logits.dtype)
    smooth = one * (1 - layer.label_smooth_eps) + 0.5 * layer.label_smooth_eps
    classes = binary_cross_entropy_with_logits(logits, smooth, reduction="sum")
    return (
        layer.iou_normalizer * iou_loss.sum()
        + layer.obj_normalizer * objectness
        + layer.cls_normalizer * classes
    )


def _iou_loss(kind: str, a_xyxy: Tensor, b_xyxy: Tensor) -> Tensor:
    """1 - IoU, GIoU, DIoU or CIoU, pair by pair."""
    from torchvision import ops

    losses = {
        "giou": "generalized_box_iou_loss",
        "diou": "distance_box_iou_loss",
        "ciou": "complete_box_iou_loss",
    }
    return getattr(ops, losses[kind])(a_xyxy, b_xyxy) if kind in losses else 1 - iou_of_pairs(a_xyxy, b_xyxy)
