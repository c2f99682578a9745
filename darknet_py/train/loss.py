"""Darknet's loss of a `[yolo]` head, as the gradient that Darknet writes down.

Darknet has no loss function that it differentiates; it fills `delta`, the ascent direction at the layer's
output, by rules. So do we, under `no_grad`, and hand it to autograd: `raw.backward(-delta)`. Source:
AlexeyAB's Darknet, `yolo_layer.c`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from darknet_py.boxes import iou, iou_of_pairs, xyxy_from_cxcywh
from darknet_py.layers.yolo import Yolo
from darknet_py.train.assign import Positives, assigned
from darknet_py.train.box_delta import iou_delta
from darknet_py.train.truths import Truths

SURE = 0.25  # a box is matched to truths by the ignore rule only if some class of it is this probable


@dataclass(frozen=True)
class HeadLoss:
    """What one head says of one minibatch.

    Args:
        delta: (N, C, H, W), -dLoss/d(raw map), summed over images.
        cost: what Darknet prints as this head's loss; summed over images.
    """

    delta: Tensor
    cost: Tensor


@torch.no_grad()
def yolo_loss(layer: Yolo, raw: Tensor, truths: Truths, net: tuple[int, int]) -> HeadLoss:
    """The gradient and the printed loss of a head.

    Args:
        raw: (N, C, H, W), the head's map before its sigmoid (with new_coords: after the logistic layer
            before).
        net: height and width of the network's input in pixels.
    """
    teacher = _Teacher(layer, raw.float(), truths, net)
    teacher.background()
    teacher.taught_by_overlap()
    teacher.taught_by_assignment()
    if layer.iou_thresh < 1:
        teacher.average_boxes()
    return HeadLoss(teacher.delta_as_map(), teacher.cost())


class _Teacher:
    """The state of one head's pass over a minibatch; boxes are flat, image by image, M = N * H * W * A."""

    def __init__(self, layer: Yolo, raw: Tensor, truths: Truths, net: tuple[int, int]) -> None:
        self.layer, self.truths, self.net, self.map_shape = layer, truths, net, raw.shape
        n, _, h, w = raw.shape
        self.values = (
            layer.held(raw).view(n, -1, layer.entries, h, w).permute(0, 3, 4, 1, 2).reshape(-1, layer.entries)
        )
        self.boxes = layer.decode(raw, *net)[0]
        self.delta = torch.zeros_like(self.values)
        self.anchors = raw.new_tensor(layer.masked) / raw.new_tensor([net[1], net[0]])
        self.overlaps: list[tuple[Tensor, Tensor]] = []  # IoU and GIoU of every assigned pair
        self.multipliers = self.class_multipliers()

    def class_multipliers(self) -> Tensor:
        """(K,): rare classes weigh more, with counters_per_class."""
        layer = self.layer
        if not layer.counters_per_class:
            return self.values.new_ones(layer.classes)
        counts = self.values.new_tensor(layer.counters_per_class).clamp(min=1)
        return (counts.max() / counts).clamp(max=layer.max_delta)

    def background(self) -> None:
        """Every box is taught to be nothing, unless it overlaps a truth and is sure of some class."""
        layer, objectness = self.layer, self.values[:, 4]
        known = (self.truths.labels >= 0) & (self.truths.labels < layer.classes)
        table = iou(xyxy_from_cxcywh(self.boxes), xyxy_from_cxcywh(self.truths.boxes_cxcywh))
        table = torch.where(known.unsqueeze(1), table, 0.0)
        table = torch.cat(
            [table, table.new_zeros(*table.shape[:2], 1)], dim=2
        )  # no truth at all overlaps by 0
        best, self.best_truth = (part.flatten() for part in table.max(dim=2))
        self.best_overlap = best
        sure = (self.values[:, 5:] > SURE).any(dim=1)
        matched = torch.where(sure, best, torch.zeros_like(best))
        delta = -layer.obj_normalizer * objectness
        smooth = torch.maximum(delta, layer.obj_normalizer * (matched - objectness))
        other = smooth if layer.objectness_smooth else torch.zeros_like(delta)
        self.delta[:, 4] = torch.where(matched > layer.ignore_thresh, other, delta)

    def taught_by_overlap(self) -> None:
        """truth_thresh < 1: a box that overlaps a truth by more is taught it, wherever it is."""
        layer = self.layer
        box = torch.nonzero(self.best_overlap > layer.truth_thresh).flatten()
        if not len(box):
            return
        image = box // self.boxes.shape[1]
        truth = self.best_truth[box]
        found = Positives(box, self.truths.boxes_cxcywh[image, truth], self.truths.labels[image, truth])
        target = (
            self.best_overlap[box] ** 2
            if layer.objectness_smooth
            else torch.ones_like(self.best_overlap[box])
        )
        self.delta[box, 4] = layer.obj_normalizer * (target - self.values[box, 4])
        self.teach_class(found)
        if layer.objectness_smooth:
            entry = 5 + found.label
            self.delta[box, entry] = self.multipliers[found.label] * (target - self.values[box, entry])
        self.teach_box(found)

    def taught_by_assignment(self) -> None:
        """Every truth teaches the boxes of its cell whose anchors suit it."""
        layer = self.layer
        grid = (self.map_shape[2], self.map_shape[3])
        for pairs in assigned(layer, self.truths, grid, self.net).rounds():
            self.note_overlap(pairs)
            self.teach_box(pairs)
            wanted = self.multipliers[pairs.label] * layer.obj_normalizer * (1 - self.values[pairs.box, 4])
            now = self.delta[pairs.box, 4]
            self.delta[pairs.box, 4] = (
                torch.where(now == 0, wanted, now) if layer.objectness_smooth else wanted
            )
            self.teach_class(pairs)

    def teach_class(self, pairs: Positives) -> None:
        """All classes of a box that was not taught yet; of one that was, the new class alone."""
        layer, box, label = self.layer, pairs.box, pairs.label
        scores, multiplier = self.values[box, 5:], self.multipliers[label]
        one = torch.nn.functional.one_hot(label, layer.classes).to(scores.dtype)
        smooth = one * (1 - layer.label_smooth_eps) + 0.5 * layer.label_smooth_eps
        delta = smooth - scores
        again = self.delta[box, 5 + label] != 0
        repeated = torch.where(one > 0, delta * multiplier.unsqueeze(1), self.delta[box, 5:])
        if layer.focal_loss:
            delta = (one - scores) * _focal(scores.gather(1, label.unsqueeze(1)))
        elif layer.counters_per_class:
            delta = torch.where(one > 0, delta * (multiplier * layer.cls_normalizer).unsqueeze(1), delta)
        new = torch.where(again.unsqueeze(1), repeated, delta)
        self.delta[box, 5:] = torch.where(new.isfinite(), new, self.delta[box, 5:])

    def teach_box(self, pairs: Positives) -> None:
        """Add the gradient of the four coordinates."""
        weight = self.layer.iou_normalizer * self.multipliers[pairs.label].unsqueeze(1)
        delta = self.by_distance(pairs) if self.layer.iou_loss == "mse" else self.by_overlap(pairs, weight)
        self.delta[pairs.box, :4] += delta * weight if self.layer.iou_loss == "mse" else delta

    def by_distance(self, pairs: Positives) -> Tensor:
        """Differences of the coordinates; larger for small boxes."""
        _, _, h, w = self.map_shape
        truth, anchor = pairs.truth_cxcywh, self.anchors[pairs.box % len(self.anchors)]
        cell = pairs.box // len(self.anchors)
        corner = torch.stack([cell % w, cell // w % h], dim=1).to(truth.dtype)
        place = truth[:, :2] * truth.new_tensor([w, h]) - corner
        ratio = truth[:, 2:] / anchor
        size = (ratio / 4).sqrt() if self.layer.new_coords else ratio.log()
        scale = 2 - truth[:, 2:3] * truth[:, 3:4]
        return scale * (torch.cat([place, size], dim=1) - self.values[pairs.box, :4])

    def by_overlap(self, pairs: Positives, weight: Tensor) -> Tensor:
        """The gradient of the overlap; width and height through their exponential, clipped to max_delta."""
        layer = self.layer
        delta = iou_delta(layer.iou_loss, self.boxes.reshape(-1, 4)[pairs.box], pairs.truth_cxcywh)
        if not layer.new_coords:
            delta[:, 2:] *= self.values[pairs.box, 2:4].exp()
        delta = delta * weight
        return torch.where(delta.isfinite(), delta, 0.0).clamp(-layer.max_delta, layer.max_delta)

    def note_overlap(self, pairs: Positives) -> None:
        """Remember how well assigned boxes lie, for the printed loss."""
        a, b = xyxy_from_cxcywh(self.boxes.reshape(-1, 4)[pairs.box]), xyxy_from_cxcywh(pairs.truth_cxcywh)
        overlap = iou_of_pairs(a, b)
        hull = (torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])).prod(dim=1)
        both = self.boxes.reshape(-1, 4)[pairs.box, 2:].prod(dim=1) + pairs.truth_cxcywh[:, 2:].prod(dim=1)
        union = both / (1 + overlap)
        self.overlaps.append((overlap, overlap - (hull - union) / hull))

    def average_boxes(self) -> None:
        """iou_thresh < 1: the coordinates' gradient of a box is divided by the number of its classes."""
        classes = (self.delta[:, 5:] > 0).sum(dim=1, keepdim=True).clamp(min=1)
        self.delta[:, :4] = torch.where(
            self.delta[:, 4:5] != 0, self.delta[:, :4] / classes, self.delta[:, :4]
        )

    def delta_as_map(self) -> Tensor:
        """(N, C, H, W)."""
        n, c, h, w = self.map_shape
        return self.delta.view(n, h, w, -1, self.layer.entries).permute(0, 3, 4, 1, 2).reshape(n, c, h, w)

    def cost(self) -> Tensor:
        """What Darknet prints: squares of delta; for overlaps the mean lack of it, and the rest."""
        layer = self.layer
        if layer.iou_loss == "mse" or not layer.show_details:
            return self.delta.square().sum()
        lacking = torch.cat(
            [
                1 - (giou if layer.iou_loss == "giou" else plain)
                for plain, giou in self.overlaps or [(self.delta[:0, 0],) * 2]
            ]
        )
        mean = lacking.mean() if len(lacking) else lacking.sum()
        return layer.iou_normalizer * mean + layer.obj_normalizer * self.delta[:, 4:].square().sum()


def _focal(probability: Tensor) -> Tensor:
    """Darknet's focal factor of the true class's probability."""
    p = probability.clamp(min=1e-15)
    return -0.5 * (1 - p) * (2 * p * p.log() + p - 1)
