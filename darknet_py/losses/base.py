"""The base of the losses of `[yolo]` and `[Gaussian_yolo]`: target assignment, objectness and classes.

Darknet has no loss function that it differentiates; it fills `delta`, the ascent direction at the layer's
output, by rules. So do we, under `no_grad`, and hand it to autograd: `raw.backward(-delta)`. Source:
AlexeyAB's Darknet, `yolo_layer.c` and `gaussian_yolo_layer.c`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from darknet_py.boxes import iou, xyxy_from_cxcywh
from darknet_py.layers.heads.anchored import Anchored
from darknet_py.losses.assignment import Positives, assign_targets
from darknet_py.losses.box_delta import iou_delta
from darknet_py.losses.truths import Truths

LEAST_PROBABILITY = 0.25  # of some class, without which the ignore rule does not apply to a box


@dataclass(frozen=True)
class HeadLoss:
    """The loss of one head on one minibatch.

    Args:
        delta: (N, C, H, W), -dLoss/d(raw map), summed over images.
        cost: what Darknet prints as this head's loss; summed over images.
    """

    delta: Tensor
    cost: Tensor


class DarknetLoss(ABC):
    """The loss of one head on one minibatch; boxes are flat, image by image, M = N * H * W * A.

    Args:
        raw: (N, C, H, W), the head's map before its sigmoid (with new_coords: after the logistic layer
            before).
        net: height and width of the network's input in pixels.
    """

    def __init__(self, layer: Anchored, raw: Tensor, truths: Truths, net: tuple[int, int]) -> None:
        self.layer, self.truths, self.net, self.map_shape = layer, truths, net, raw.shape
        n, _, h, w = raw.shape
        self.values = (
            layer.activate(raw)
            .view(n, -1, layer.entries, h, w)
            .permute(0, 3, 4, 1, 2)
            .reshape(-1, layer.entries)
        )
        self.boxes = layer.decode(raw, *net)[0]
        self.delta = torch.zeros_like(self.values)
        self.objectness = layer.entries - layer.classes - 1  # its index in the entries
        self.classes = self.objectness + 1  # the index of the first class
        self.anchors = raw.new_tensor(layer.masked) / raw.new_tensor([net[1], net[0]])
        self.multipliers = self.class_multipliers()
        self.pairs: list[Positives] = []  # assigned so far

    def loss(self) -> HeadLoss:
        """All passes, in Darknet's order."""
        self.background()
        self.assign_by_overlap()
        self.assign_by_cell()
        self.average_boxes()
        return HeadLoss(self.delta_as_map() * self.layer.delta_normalizer, self.cost())

    @abstractmethod
    def smooth_background(self, box: Tensor, overlap: Tensor) -> None:
        """objectness_smooth: set the deltas of boxes that overlap a truth too well to be background."""

    @abstractmethod
    def set_objectness(self, pairs: Positives, wanted: Tensor) -> None:
        """Set the delta of the objectness of assigned boxes."""

    @abstractmethod
    def is_assigned(self, pairs: Positives) -> Tensor:
        """(P,), whether a box counts as assigned to some class before."""

    @abstractmethod
    def add_box_delta(self, pairs: Positives) -> None:
        """Add the gradient of the coordinates."""

    @abstractmethod
    def average_boxes(self) -> None:
        """Divide the coordinates' gradient of a box by the number of its classes, where Darknet does."""

    @abstractmethod
    def cost(self) -> Tensor:
        """The loss that Darknet prints."""

    def class_multipliers(self) -> Tensor:
        """(K,), the weights of classes: rare ones weigh more, with counters_per_class."""
        layer = self.layer
        if not layer.counters_per_class:
            return self.values.new_ones(layer.classes)
        counts = self.values.new_tensor(layer.counters_per_class).clamp(min=1)
        return (counts.max() / counts).clamp(max=layer.max_delta)

    def background(self) -> None:
        """The objectness of every box tends to 0, unless it overlaps a truth and some class is probable."""
        layer, objectness = self.layer, self.values[:, self.objectness]
        known = (self.truths.labels >= 0) & (self.truths.labels < layer.classes)
        table = iou(xyxy_from_cxcywh(self.boxes), xyxy_from_cxcywh(self.truths.boxes_cxcywh))
        table = torch.where(known.unsqueeze(1), table, 0.0)
        table = torch.cat(
            [table, table.new_zeros(*table.shape[:2], 1)], dim=2
        )  # no truth at all overlaps by 0
        self.best_overlap, self.best_truth = (part.flatten() for part in table.max(dim=2))
        sure = (self.values[:, self.classes :] > LEAST_PROBABILITY).any(dim=1)
        matched = torch.where(sure, self.best_overlap, 0.0)
        spared = matched > layer.ignore_thresh
        self.delta[:, self.objectness] = torch.where(spared, 0.0, -layer.obj_normalizer * objectness)
        if layer.objectness_smooth:
            box = torch.nonzero(spared).flatten()
            self.smooth_background(box, matched[box])

    def nearest_truths(self, box: Tensor) -> Positives:
        """Pairs of boxes and the truth that each overlaps most."""
        image, truth = box // self.boxes.shape[1], self.best_truth[box]
        return Positives(box, self.truths.boxes_cxcywh[image, truth], self.truths.labels[image, truth])

    def assign_by_overlap(self) -> None:
        """truth_thresh < 1: a box that overlaps a truth by more is assigned to it, in any cell."""
        layer = self.layer
        box = torch.nonzero(self.best_overlap > layer.truth_thresh).flatten()
        if not len(box):
            return
        found, overlap = self.nearest_truths(box), self.best_overlap[box]
        target = overlap**2 if layer.objectness_smooth else torch.ones_like(overlap)
        self.delta[box, self.objectness] = layer.obj_normalizer * (target - self.values[box, self.objectness])
        self.set_class_delta(found)
        if layer.objectness_smooth:
            entry = self.classes + found.label
            self.delta[box, entry] = self.multipliers[found.label] * (target - self.values[box, entry])
        self.add_box_delta(found)

    def assign_by_cell(self) -> None:
        """Every truth is assigned to boxes of its cell, by their anchors."""
        grid = (self.map_shape[2], self.map_shape[3])
        self.pairs = assign_targets(self.layer, self.truths, grid, self.net).rounds()
        for pairs in self.pairs:
            self.add_box_delta(pairs)
            weight = self.multipliers[pairs.label] * self.layer.obj_normalizer
            self.set_objectness(pairs, weight * (1 - self.values[pairs.box, self.objectness]))
            self.set_class_delta(pairs)

    def set_class_delta(self, pairs: Positives) -> None:
        """Of a box that was not assigned before, all classes; of others, the new class alone."""
        layer, box, label = self.layer, pairs.box, pairs.label
        scores, now = self.values[box, self.classes :], self.delta[box, self.classes :]
        one = torch.nn.functional.one_hot(label, layer.classes).to(scores.dtype)
        delta = one * (1 - layer.label_smooth_eps) + 0.5 * layer.label_smooth_eps - scores
        again = torch.where(one > 0, delta * self.multipliers[label].unsqueeze(1), now)
        first = self.first_class_delta(delta, one, scores, label)
        new = torch.where(self.is_assigned(pairs).unsqueeze(1), again, first)
        self.delta[box, self.classes :] = torch.where(new.isfinite(), new, now)

    def first_class_delta(self, delta: Tensor, one: Tensor, scores: Tensor, label: Tensor) -> Tensor:
        """(P, K), the class deltas of boxes that were not assigned before: `delta`, weighted."""
        if not self.layer.counters_per_class:
            return delta
        weight = self.multipliers[label].unsqueeze(1) * self.layer.cls_normalizer
        return torch.where(one > 0, delta * weight, delta)

    def anchor(self, pairs: Positives) -> Tensor:
        """(P, 2), width and height of the anchors, fractions of the input."""
        return self.anchors[pairs.box % len(self.anchors)]

    def corner(self, pairs: Positives) -> Tensor:
        """(P, 2), column and row of the cells."""
        cell, (_, _, h, w) = pairs.box // len(self.anchors), self.map_shape
        return torch.stack([cell % w, cell // w % h], dim=1).to(self.values.dtype)

    def overlap_delta(self, pairs: Positives) -> Tensor:
        """(P, 4), Darknet's gradient of the overlap by x, y, width and height."""
        return iou_delta(self.layer.iou_loss, self.boxes.reshape(-1, 4)[pairs.box], pairs.truth_cxcywh)

    def bounded(self, delta: Tensor) -> Tensor:
        """Zero where it is not finite, and within max_delta."""
        limit = self.layer.max_delta
        return torch.where(delta.isfinite(), delta, 0.0).clamp(-limit, limit)

    def positive_classes(self) -> Tensor:
        """(M, 1), how many class deltas of each box are positive, at least 1."""
        return (self.delta[:, self.classes :] > 0).sum(dim=1, keepdim=True).clamp(min=1)

    def delta_as_map(self) -> Tensor:
        """(N, C, H, W)."""
        n, c, h, w = self.map_shape
        return self.delta.view(n, h, w, -1, self.layer.entries).permute(0, 3, 4, 1, 2).reshape(n, c, h, w)
