"""Darknet's loss of a `[yolo]` head, as the gradient that Darknet writes down. See `base.py`."""

from __future__ import annotations

import torch
from torch import Tensor

from darknet_py.boxes import iou_of_pairs, xyxy_from_cxcywh
from darknet_py.layers.heads.yolo import Yolo
from darknet_py.losses.assignment import Positives
from darknet_py.losses.base import DarknetLoss, HeadLoss
from darknet_py.losses.truths import Truths


@torch.no_grad()
def yolo_loss(layer: Yolo, raw: Tensor, truths: Truths, net: tuple[int, int], *, seen: int = 0) -> HeadLoss:
    """The gradient and the printed loss of a head.

    Args:
        raw: (N, C, H, W), the head's map before its sigmoid (with new_coords: after the logistic layer
            before).
        net: height and width of the network's input in pixels.
        seen: images trained on; nothing depends on it here.
    """
    return _YoloLoss(layer, raw.float(), truths, net).loss()


class _YoloLoss(DarknetLoss):
    """Boxes are x, y, w, h, objectness, classes."""

    layer: Yolo

    def smooth_background(self, box: Tensor, overlap: Tensor) -> None:
        """At least as much as background."""
        objectness = self.values[box, 4]
        background = -self.layer.obj_normalizer * objectness
        wanted = self.layer.obj_normalizer * (overlap - objectness)
        self.delta[box, 4] = torch.maximum(background, wanted)

    def set_objectness(self, pairs: Positives, wanted: Tensor) -> None:
        """With objectness_smooth only boxes that have no delta yet."""
        now = self.delta[pairs.box, 4]
        kept = self.layer.objectness_smooth & (now != 0)
        self.delta[pairs.box, 4] = torch.where(kept, now, wanted)

    def is_assigned(self, pairs: Positives) -> Tensor:
        """By the delta of the new class."""
        return self.delta[pairs.box, 5 + pairs.label] != 0

    def first_class_delta(self, delta: Tensor, one: Tensor, scores: Tensor, label: Tensor) -> Tensor:
        """With focal_loss another weight, and no label smoothing."""
        if not self.layer.focal_loss:
            return super().first_class_delta(delta, one, scores, label)
        return (one - scores) * focal_weight(scores.gather(1, label.unsqueeze(1)))

    def add_box_delta(self, pairs: Positives) -> None:
        """By distance or by overlap."""
        weight = self.layer.iou_normalizer * self.multipliers[pairs.label].unsqueeze(1)
        by_distance = self.layer.iou_loss == "mse"
        delta = self.by_distance(pairs) * weight if by_distance else self.by_overlap(pairs, weight)
        self.delta[pairs.box, :4] += delta

    def by_distance(self, pairs: Positives) -> Tensor:
        """Differences of the coordinates; larger for small boxes."""
        _, _, h, w = self.map_shape
        truth = pairs.truth_cxcywh
        place = truth[:, :2] * truth.new_tensor([w, h]) - self.corner(pairs)
        ratio = truth[:, 2:] / self.anchor(pairs)
        size = (ratio / 4).sqrt() if self.layer.new_coords else ratio.log()
        scale = 2 - truth[:, 2:3] * truth[:, 3:4]
        return scale * (torch.cat([place, size], dim=1) - self.values[pairs.box, :4])

    def by_overlap(self, pairs: Positives, weight: Tensor) -> Tensor:
        """The gradient of the overlap; width and height through their exponential, clipped to max_delta."""
        delta = self.overlap_delta(pairs)
        if not self.layer.new_coords:
            delta[:, 2:] *= self.values[pairs.box, 2:4].exp()
        return self.bounded(delta * weight)

    def average_boxes(self) -> None:
        """With iou_thresh < 1, of boxes whose objectness has a delta."""
        if self.layer.iou_thresh < 1:
            divisor = torch.where(self.delta[:, 4:5] != 0, self.positive_classes(), 1)
            self.delta[:, :4] /= divisor

    def cost(self) -> Tensor:
        """Squares of delta; for losses of overlap the mean of 1 - overlap, and squares of the others."""
        layer = self.layer
        if layer.iou_loss == "mse" or not layer.show_details:
            return self.delta.square().sum()
        missing = self.delta.new_zeros(())
        if self.pairs:
            box = torch.cat([self.boxes.reshape(-1, 4)[pairs.box] for pairs in self.pairs])
            true = torch.cat([pairs.truth_cxcywh for pairs in self.pairs])
            missing = (1 - _overlap(box, true, enclosed=layer.iou_loss == "giou")).mean()
        return layer.iou_normalizer * missing + layer.obj_normalizer * self.delta[:, 4:].square().sum()


def _overlap(a_cxcywh: Tensor, b_cxcywh: Tensor, *, enclosed: bool) -> Tensor:
    """IoU of pairs of boxes (P, 4), or GIoU."""
    a, b = xyxy_from_cxcywh(a_cxcywh), xyxy_from_cxcywh(b_cxcywh)
    overlap = iou_of_pairs(a, b)
    if not enclosed:
        return overlap
    hull = (torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])).prod(dim=1)
    union = (a_cxcywh[:, 2:].prod(dim=1) + b_cxcywh[:, 2:].prod(dim=1)) / (1 + overlap)
    return overlap - (hull - union) / hull


def focal_weight(probability: Tensor) -> Tensor:
    """Darknet's focal factor of the true class's probability."""
    p = probability.clamp(min=1e-15)
    return -0.5 * (1 - p) * (2 * p * p.log() + p - 1)
