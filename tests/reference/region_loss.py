"""Darknet's `[region]` delta and cost in plain loops: slow, obvious, independent of the package.

Written from a page on Darknet's format and semantics that describes `region_layer.c` of AlexeyAB's darknet,
59596d7. There is no recording of Darknet training such a head. `raw` is the map that the layer reads, (N, A,
5 + K, H, W); Darknet's own objectness and classes come from it as its forward pass says. Float64.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tests.reference.yolo_loss import iou


@dataclass
class Head:
    """The keys of one `[region]` that its loss reads."""

    anchors: list  # [(w, h), ...] cells
    classes: int
    softmax: int = 0
    thresh: float = 0.5
    object_scale: float = 1.0
    noobject_scale: float = 1.0
    class_scale: float = 1.0
    coord_scale: float = 1.0
    bias_match: int = 0
    rescore: int = 0
    classfix: int = 0
    focal_loss: int = 0


def sigmoid(value):
    return 1 / (1 + math.exp(-value))


class Image:
    """One image: its map (A, 5 + K, H, W), and the delta that grows."""

    def __init__(self, head, raw, truths):
        self.head, self.raw, self.truths = head, raw, truths
        self.delta = np.zeros_like(raw)
        self.height, self.width = raw.shape[2:]

    def box(self, n, j, i):
        """The decoded box of one anchor of one cell, relative."""
        x, y, w, h = self.raw[n, :4, j, i]
        aw, ah = self.head.anchors[n]
        x, y = (i + sigmoid(x)) / self.width, (j + sigmoid(y)) / self.height
        return x, y, math.exp(w) * aw / self.width, math.exp(h) * ah / self.height

    def classes(self, n, j, i):
        """Class numbers as Darknet's layer holds them: a softmax, or what the layer read."""
        scores = self.raw[n, 5:, j, i]
        if not self.head.softmax:
            return scores
        powers = np.exp(scores - scores.max())
        return powers / powers.sum()

    def set_box(self, n, j, i, truth, scale):
        """Towards a box; what was taught before is forgotten."""
        (x, y, w, h), (aw, ah) = self.raw[n, :4, j, i], self.head.anchors[n]
        x, y = sigmoid(x), sigmoid(y)
        self.delta[n, :4, j, i] = [
            scale * (truth[0] * self.width - i - x) * x * (1 - x),
            scale * (truth[1] * self.height - j - y) * y * (1 - y),
            scale * (math.log(truth[2] * self.width / aw) - w),
            scale * (math.log(truth[3] * self.height / ah) - h),
        ]

    def set_objectness(self, n, j, i, target, scale):
        o = sigmoid(self.raw[n, 4, j, i])
        self.delta[n, 4, j, i] = scale * (target - o) * o * (1 - o)

    def set_classes(self, n, j, i, label, scale):
        p = self.classes(n, j, i)
        factor = 1.0
        if self.head.focal_loss:
            pt = p[label]
            factor = 0.5 * -(1 - pt) * (2 * pt * math.log(pt) + pt - 1)
        for c in range(self.head.classes):
            self.delta[n, 5 + c, j, i] = scale * ((c == label) - p[c]) * factor

    def judge(self, n, j, i, seen):
        """A box that no truth is assigned to, as far as this pass knows."""
        head = self.head
        best, best_truth = 0.0, None
        for truth in self.truths:
            value = iou(self.box(n, j, i), truth)
            if value > best:
                best, best_truth = value, truth
        if head.classfix == -1:
            self.set_objectness(n, j, i, best, head.noobject_scale)
        else:
            self.set_objectness(n, j, i, 0.0, head.noobject_scale)
            if best > head.thresh:
                self.delta[n, 4, j, i] = 0.0
                if head.classfix > 0:
                    sure = sigmoid(self.raw[n, 4, j, i]) if head.classfix == 2 else 1.0
                    self.set_classes(n, j, i, int(best_truth[4]), head.class_scale * sure)
        if seen < 12800:
            aw, ah = head.anchors[n]
            middle = (i + 0.5) / self.width, (j + 0.5) / self.height
            self.set_box(n, j, i, (*middle, aw / self.width, ah / self.height), 0.01)

    def positive(self, truth):
        """The one box that answers for a truth."""
        head = self.head
        i = min(int(truth[0] * self.width), self.width - 1)
        j = min(int(truth[1] * self.height), self.height - 1)
        best, best_n = 0.0, 0
        for n, (aw, ah) in enumerate(head.anchors):
            w, h = self.box(n, j, i)[2:]
            if head.bias_match:
                w, h = aw / self.width, ah / self.height
            value = iou((0, 0, w, h), (0, 0, truth[2], truth[3]))
            if value > best:
                best, best_n = value, n
        overlap = iou(self.box(best_n, j, i), truth)
        self.set_box(best_n, j, i, truth, head.coord_scale)
        self.set_objectness(best_n, j, i, overlap if head.rescore else 1.0, head.object_scale)
        self.set_classes(best_n, j, i, int(truth[4]), head.class_scale)


def region_loss(head, raw, truths, *, seen=12800):
    """The delta (N, A, 5 + K, H, W) and the cost that Darknet reports for the minibatch."""
    found = []
    for maps, rows in zip(np.asarray(raw, np.float64), truths, strict=True):
        rows = [[float(v) for v in row] for row in rows if 0 <= int(row[4]) < head.classes]
        image = Image(head, maps, rows)
        for n, j, i in np.ndindex(len(maps), image.height, image.width):
            image.judge(n, j, i, seen)
        for truth in rows:
            image.positive(truth)
        found.append(image.delta)
    delta = np.stack(found)
    return delta, float((delta**2).sum())
