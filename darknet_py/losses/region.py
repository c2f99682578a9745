"""Darknet's loss of a `[region]` head, as the gradient that Darknet writes down.

Every truth is assigned to one box of its cell, the one whose shape is most similar; a later truth of the same
box replaces an earlier one. Unlike `[yolo]`, the slope of the sigmoid is part of the gradient of x, y
and objectness; that of the classes is y - p, with softmax the gradient of the cross entropy.

Redmon and Farhadi, "YOLO9000: better, faster, stronger", CVPR 2017, arXiv:1612.08242; AlexeyAB's Darknet,
`region_layer.c`. pjreddie's weighs boxes by 2 - w h too; his cfgs are trained here as AlexeyAB's trains them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from darknet_py.boxes import iou, xyxy_from_cxcywh
from darknet_py.layers.heads.region import Region
from darknet_py.losses.assignment import Positives, centred_similarity
from darknet_py.losses.base import HeadLoss
from darknet_py.losses.truths import Truths
from darknet_py.losses.yolo import focal_weight
from darknet_py.ops.head import cell_corners

EARLY = 12_800  # images; while fewer are seen, all boxes tend to their anchors
EARLY_WEIGHT = 0.01  # the weight of that


@torch.no_grad()
def region_loss(
    layer: Region, raw: Tensor, truths: Truths, net: tuple[int, int], *, seen: int = 0
) -> HeadLoss:
    """The gradient and the printed loss of a head.

    Args:
        raw: (N, C, H, W), the head's map.
        net: height and width of the network's input in pixels.
        seen: images trained on, those of this iteration among them.
    """
    head_loss = _RegionLoss(layer, raw.float(), truths, net)
    head_loss.background()
    if seen < EARLY:
        head_loss.add_early_deltas()
    head_loss.assign_by_cell()
    return HeadLoss(head_loss.delta_as_map(), head_loss.delta.square().sum())


class _RegionLoss:
    """The loss of one head on one minibatch; boxes are flat, image by image, M = N * H * W * A."""

    def __init__(self, layer: Region, raw: Tensor, truths: Truths, net: tuple[int, int]) -> None:
        self.layer, self.truths, self.map_shape = layer, truths, raw.shape
        n, _, h, w = raw.shape
        boxes, objectness, classes = layer.decode(raw, *net)
        self.boxes, self.objectness = boxes.reshape(-1, 4), objectness.flatten()
        self.classes = classes.reshape(-1, layer.classes)
        self.coordinates = raw.reshape(n, layer.num, layer.entries, h, w)[:, :, :4].permute(0, 3, 4, 1, 2)
        self.coordinates = self.coordinates.reshape(-1, 4).clone()
        self.coordinates[:, :2].sigmoid_()
        self.anchors = raw.new_tensor(layer.pairs)  # in cells
        self.delta = raw.new_zeros(len(self.boxes), layer.entries)

    def background(self) -> None:
        """The objectness of every box tends to 0, unless it overlaps a truth; see classfix."""
        layer, n = self.layer, self.map_shape[0]
        known = (self.truths.labels >= 0) & (self.truths.labels < layer.classes)
        true_xyxy = xyxy_from_cxcywh(self.truths.boxes_cxcywh)
        table = iou(xyxy_from_cxcywh(self.boxes.view(n, -1, 4)), true_xyxy)
        table = torch.where(known.unsqueeze(1), table, 0.0)
        table = torch.cat([table, table.new_zeros(*table.shape[:2], 1)], dim=2)  # no truth overlaps by 0
        best, truth = (part.flatten() for part in table.max(dim=2))
        target = best if layer.classfix == -1 else torch.zeros_like(best)
        everything = torch.arange(len(best), device=best.device)
        self.set_objectness(everything, target, layer.noobject_scale)
        if layer.classfix == -1:
            return
        box = torch.nonzero(best > layer.thresh).flatten()
        self.delta[box, 4] = 0.0
        if layer.classfix > 0:
            label = self.truths.labels[box // table.shape[1], truth[box]]
            weight = self.objectness[box] if layer.classfix == 2 else torch.ones_like(best[box])
            self.set_class_delta(box, label, weight.unsqueeze(1))

    def add_early_deltas(self) -> None:
        """Every box tends to the middle of its cell, and to the size of its anchor."""
        everything = torch.arange(len(self.boxes), device=self.boxes.device)
        middle = self.boxes.new_full((len(self.boxes), 2), 0.5)
        self.add_box_delta(everything, middle, torch.zeros_like(middle), EARLY_WEIGHT)

    def assign_by_cell(self) -> None:
        """Every truth is assigned to one box of its cell."""
        layer, (_, _, rows, columns) = self.layer, self.map_shape
        for pairs in self.assigned().rounds():
            box, truth, size = pairs.box, pairs.truth_cxcywh, self.boxes.new_tensor([columns, rows])
            cell = cell_corners(self.delta.new_empty(rows, columns)).view(-1, 2)
            cell = cell[box // layer.num % (rows * columns)]
            ratio = truth[:, 2:] * size / self.anchors[box % layer.num]
            self.add_box_delta(box, truth[:, :2] * size - cell, ratio.log(), layer.coord_scale)
            a, b = xyxy_from_cxcywh(self.boxes[box]), xyxy_from_cxcywh(truth)
            overlap = iou(a.unsqueeze(1), b.unsqueeze(1)).flatten()
            target = overlap if layer.rescore else torch.ones_like(overlap)
            self.set_objectness(box, target, layer.object_scale)
            self.set_class_delta(box, pairs.label, torch.ones_like(target).unsqueeze(1))

    def assigned(self) -> Positives:
        """Of a truth's cell the box whose size is most like it, or with bias_match the anchor."""
        layer, (_, _, rows, columns) = self.layer, self.map_shape
        labels = self.truths.labels
        image, number = torch.nonzero((labels >= 0) & (labels < layer.classes), as_tuple=True)
        truth = self.truths.boxes_cxcywh[image, number]
        column = (truth[:, 0] * columns).long().clamp(0, columns - 1)
        row = (truth[:, 1] * rows).long().clamp(0, rows - 1)
        cell = (image * rows + row) * columns + column
        sizes = self.boxes[:, 2:].reshape(-1, layer.num, 2)[cell]  # (P, A, 2)
        if layer.bias_match:
            sizes = (self.anchors / self.anchors.new_tensor([columns, rows])).expand_as(sizes)
        best = centred_similarity("iou", sizes, truth[:, 2:]).argmax(dim=1)
        return Positives(cell * layer.num + best, truth, labels[image, number])

    def add_box_delta(self, box: Tensor, place: Tensor, size: Tensor, weight: float) -> None:
        """Towards a place in the cell, and the logarithm of a size over the anchor's."""
        now = self.coordinates[box]
        slope = now[:, :2] * (1 - now[:, :2])
        self.delta[box, :2] = weight * (place - now[:, :2]) * slope
        self.delta[box, 2:4] = weight * (size - now[:, 2:])

    def set_objectness(self, box: Tensor, target: Tensor, weight: float) -> None:
        """By the squared error."""
        now = self.objectness[box]
        self.delta[box, 4] = weight * (target - now) * now * (1 - now)

    def set_class_delta(self, box: Tensor, label: Tensor, weight: Tensor) -> None:
        """Of all classes of a box; they replace earlier deltas."""
        now = self.classes[box]
        delta = torch.nn.functional.one_hot(label, self.layer.classes) - now
        if self.layer.focal_loss:
            delta = delta * focal_weight(now.gather(1, label.unsqueeze(1)))
        self.delta[box, 5:] = self.layer.class_scale * weight * delta

    def delta_as_map(self) -> Tensor:
        """(N, C, H, W)."""
        n, c, h, w = self.map_shape
        return self.delta.view(n, h, w, -1, self.layer.entries).permute(0, 3, 4, 1, 2).reshape(n, c, h, w)
