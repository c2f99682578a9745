"""Darknet's `[Gaussian_yolo]` delta and cost in plain loops: slow, obvious, independent of the package.

Written from a page on Darknet's format and semantics that describes `gaussian_yolo_layer.c` of AlexeyAB's
darknet, 59596d7, as differences from `[yolo]`; what both share is in `yolo_loss.py`. There is no recording of
Darknet training such a head. `output` is what Darknet's layer holds: (N, A, 9 + K, H, W), entries x, ux, y,
uy, w, uw, h, uh, objectness, classes, after the sigmoids and scale_x_y. Everything is float64.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tests.reference import yolo_loss
from tests.reference.yolo_loss import gradient, iou, similarity

POINT = {"center": 0.0, "left_top": -0.5, "right_bottom": 0.5}


@dataclass
class Head(yolo_loss.Head):
    """The keys of one `[Gaussian_yolo]` that its loss reads; focal_loss and new_coords are none of them."""

    uc_normalizer: float = 1.0
    yolo_point: str = "center"


class Image:
    """One image: its output (A, 9 + K, H, W), and the delta that grows."""

    def __init__(self, head, output, truths):
        self.head, self.output, self.truths = head, output, truths
        self.delta = np.zeros_like(output)
        self.height, self.width = output.shape[2:]

    def box(self, n, j, i):
        """The decoded box of one anchor of one cell, relative, around its centre."""
        head, v = self.head, self.output[n, :, j, i]
        aw, ah = head.anchors[head.mask[n]]
        w, h = math.exp(v[4]) * aw / head.net[1], math.exp(v[6]) * ah / head.net[0]
        x, y = (i + v[0]) / self.width, (j + v[2]) / self.height
        if head.yolo_point == "left_top":
            x, y = x + w / 2, y + h / 2
        if head.yolo_point == "right_bottom":
            x, y = x - w / 2, y - h / 2
        return x, y, w, h

    def point(self, truth):
        """The point of a truth that x and y tell."""
        shift = POINT[self.head.yolo_point]
        return truth[0] + shift * truth[2], truth[1] + shift * truth[3]

    def add_box(self, n, j, i, truth, mult):
        """Add the delta of the eight numbers of a box."""
        head, v = self.head, self.output[n, :, j, i]
        aw, ah = head.anchors[head.mask[n]]
        x, y = self.point(truth)
        target = [
            x * self.width - i,
            y * self.height - j,
            math.log(truth[2] * head.net[1] / aw),
            math.log(truth[3] * head.net[0] / ah),
        ]
        means, warnings = [], []
        for t, e in zip(target, (0, 2, 4, 6), strict=True):
            u = v[e + 1]
            z = (t - v[e]) / u
            n_density = math.exp(-z * z / 2) / (math.sqrt(2 * math.pi) * (u + 0.3))
            q = 0.5 * n_density / (n_density + 1e-9) * (2 - truth[2] * truth[3])
            means.append(q * z / u)
            warnings.append(q * (z * z / u - 1 / (u + 0.3)))
        if head.iou_loss != "mse":
            dx, dy, dw, dh = gradient(self.box(n, j, i), truth, head.iou_loss)
            if head.yolo_point == "left_top":
                dx, dy = dx - dw / 2, dy - dh / 2
            if head.yolo_point == "right_bottom":
                dx, dy = dx + dw / 2, dy + dh / 2
            means = [dx, dy, dw * math.exp(v[4]), dh * math.exp(v[6])]
        for e in range(4):
            self.add(n, j, i, 2 * e, head.iou_normalizer * mult * means[e])
            self.add(n, j, i, 2 * e + 1, head.uc_normalizer * warnings[e])

    def add(self, n, j, i, entry, value):
        """Add one number: nothing when it is not finite, and at most max_delta."""
        value = value if math.isfinite(value) else 0.0
        self.delta[n, entry, j, i] += min(max(value, -self.head.max_delta), self.head.max_delta)

    def add_class(self, n, j, i, label):
        """Set the class deltas of one anchor of one cell; whether it is the first time, class 0 tells."""
        head, delta, p = self.head, self.delta[n, 9:, j, i], self.output[n, 9:, j, i]
        eps = head.label_smooth_eps
        if delta[0] != 0:
            delta[label] = (1 - eps + eps / 2 - p[label]) * head.multiplier(label)
            return
        for c in range(head.classes):
            delta[c] = (c == label) * (1 - eps) + eps / 2 - p[c]
        if head.counters_per_class:
            delta[label] *= head.multiplier(label) * head.cls_normalizer

    def judge(self, n, j, i):
        """Background, ignored, or (truth_thresh < 1) positive."""
        head, v, delta = self.head, self.output[n, :, j, i], self.delta[n, :, j, i]
        best, best_truth = 0.0, None
        for truth in self.truths:
            value = iou(self.box(n, j, i), truth)
            if value > best:
                best, best_truth = value, truth
        match = best if max(v[9:]) > 0.25 else 0.0
        delta[8] = head.obj_normalizer * (0 - v[8])
        if match > head.ignore_thresh:
            delta[8] = 0.0
            if head.objectness_smooth:
                delta[8] = head.obj_normalizer * (match**2 - v[8])
                self.add_class(n, j, i, int(best_truth[4]))
        if best > head.truth_thresh:
            label = int(best_truth[4])
            aim = best**2 if head.objectness_smooth else 1
            delta[8] = head.obj_normalizer * (aim - v[8])
            self.add_class(n, j, i, label)
            if head.objectness_smooth:
                delta[9 + label] = head.multiplier(label) * (aim - v[9 + label])
            self.add_box(n, j, i, best_truth, head.multiplier(label))

    def positives(self):
        """Every truth against every anchor."""
        head = self.head
        for truth in self.truths:
            x, y = self.point(truth)
            i = min(max(int(x * self.width), 0), self.width - 1)
            j = min(max(int(y * self.height), 0), self.height - 1)
            shapes = [(0, 0, aw / head.net[1], ah / head.net[0]) for aw, ah in head.anchors]
            centred = (0, 0, truth[2], truth[3])
            best, best_anchor = 0.0, 0
            for anchor, shape in enumerate(shapes):
                if iou(shape, centred) > best:
                    best, best_anchor = iou(shape, centred), anchor
            if best_anchor in head.mask:
                self.positive(head.mask.index(best_anchor), j, i, truth)
            for n, anchor in enumerate(head.mask):
                near = similarity(shapes[anchor], centred, head.iou_thresh_kind)
                if anchor != best_anchor and head.iou_thresh < 1 and near > head.iou_thresh:
                    self.positive(n, j, i, truth)

    def positive(self, n, j, i, truth):
        """One anchor answers for one truth."""
        head, label = self.head, int(truth[4])
        mult = head.multiplier(label)
        self.add_box(n, j, i, truth, mult)
        self.delta[n, 8, j, i] = mult * head.obj_normalizer * (1 - self.output[n, 8, j, i])
        self.add_class(n, j, i, label)

    def share(self):
        """Always: the eight numbers of a box are divided by the number of its classes."""
        for n, j, i in np.ndindex(len(self.delta), self.height, self.width):
            count = sum(value > 0 for value in self.delta[n, 9:, j, i])
            if count:
                self.delta[n, :8, j, i] /= count


def gaussian_loss(head, output, truths):
    """The delta (N, A, 9 + K, H, W) and the cost that Darknet reports for the minibatch."""
    found = []
    for maps, rows in zip(np.asarray(output, np.float64), truths, strict=True):
        rows = [[float(v) for v in row] for row in rows if 0 <= int(row[4]) < head.classes]
        image = Image(head, maps, rows)
        for n, j, i in np.ndindex(len(maps), image.height, image.width):
            image.judge(n, j, i)
        image.positives()
        image.share()
        found.append(image.delta)
    delta = np.stack(found)
    return delta, float((delta**2).sum())
