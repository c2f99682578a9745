"""Darknet's `[yolo]` delta and reported cost in plain loops: slow, obvious, independent of the package.

Written from a description of `forward_yolo_layer`, `delta_yolo_box`, `delta_yolo_class` (yolo_layer.c) and
`dx_box_iou` (box.c) of AlexeyAB's darknet, 59596d7. `output` is what Darknet's layer holds: (N, A, 5 + K, H,
W), after the sigmoids and scale_x_y. The delta is -dLoss/d(raw map) in Darknet's sense. Truths are rows
(x, y, w, h, class), relative, around the centre. Everything is float64.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Head:
    """The keys of one `[yolo]` that its loss reads, and the network's size."""

    anchors: list  # [(w, h), ...] pixels, all of them
    mask: list
    classes: int
    net: tuple = (64, 64)  # height, width
    ignore_thresh: float = 0.5
    truth_thresh: float = 1.0
    iou_thresh: float = 1.0
    iou_thresh_kind: str = "iou"
    iou_loss: str = "mse"
    iou_normalizer: float = 0.75
    obj_normalizer: float = 1.0
    cls_normalizer: float = 1.0
    max_delta: float = math.inf
    counters_per_class: list = field(default_factory=list)
    label_smooth_eps: float = 0.0
    objectness_smooth: int = 0
    focal_loss: int = 0
    new_coords: int = 0

    def multiplier(self, label):
        """How much rarer classes count more."""
        if not self.counters_per_class:
            return 1.0
        counts = [max(count, 1) for count in self.counters_per_class]
        return min(max(counts) / counts[label], self.max_delta)


def overlap(a, b):
    """Intersection width and height, may be negative."""
    across = min(a[0] + a[2] / 2, b[0] + b[2] / 2) - max(a[0] - a[2] / 2, b[0] - b[2] / 2)
    down = min(a[1] + a[3] / 2, b[1] + b[3] / 2) - max(a[1] - a[3] / 2, b[1] - b[3] / 2)
    return across, down


def enclosing(a, b):
    """Width and height of the box around both."""
    across = max(a[0] + a[2] / 2, b[0] + b[2] / 2) - min(a[0] - a[2] / 2, b[0] - b[2] / 2)
    down = max(a[1] + a[3] / 2, b[1] + b[3] / 2) - min(a[1] - a[3] / 2, b[1] - b[3] / 2)
    return across, down


def iou(a, b):
    """Intersection over union of two boxes around their centres."""
    across, down = overlap(a, b)
    if across <= 0 or down <= 0:
        return 0.0
    return across * down / (a[2] * a[3] + b[2] * b[3] - across * down)


def aspect(pred, truth):
    """CIoU's v: how differently two boxes are shaped."""
    return 4 / math.pi**2 * (math.atan(truth[2] / truth[3]) - math.atan(pred[2] / pred[3])) ** 2


def similarity(a, b, kind):
    """The IoU or one of its kin, as Darknet's `box_iou_kind` has them."""
    value, (across, down) = iou(a, b), enclosing(a, b)
    if kind == "iou":
        return value
    if kind == "giou":
        area = across * down
        intersection = max(0, overlap(a, b)[0]) * max(0, overlap(a, b)[1])
        return value - (area - (a[2] * a[3] + b[2] * b[3] - intersection)) / area
    far = ((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2) / (across**2 + down**2)
    if kind == "diou":
        return value - far**0.6
    v = aspect(a, b)
    return value - (far + v * v / (1 - value + v + 1e-6))


def gradient(pred, truth, kind):
    """(dx, dy, dw, dh) of Darknet's own ascent direction of the overlap."""
    pw, ph = (side if side != 0 else 1 for side in pred[2:])
    left, right, top, bottom = pred[0] - pw / 2, pred[0] + pw / 2, pred[1] - ph / 2, pred[1] + ph / 2
    tl, tr = truth[0] - truth[2] / 2, truth[0] + truth[2] / 2
    tt, tb = truth[1] - truth[3] / 2, truth[1] + truth[3] / 2
    iw, ih = min(right, tr) - max(left, tl), min(bottom, tb) - max(top, tt)
    apart = iw <= 0 or ih <= 0
    inter = iw * ih
    union = pw * ph + truth[2] * truth[3] - inter
    d_inter = {
        "t": -iw if top > tt else 0,
        "b": iw if bottom < tb else 0,
        "l": -ih if left > tl else 0,
        "r": ih if right < tr else 0,
    }
    d_area = {"t": -(right - left), "b": right - left, "l": -(bottom - top), "r": bottom - top}
    d_union = {edge: d_area[edge] - d_inter[edge] for edge in "tblr"}
    p = {e: (union * d_inter[e] - inter * d_union[e]) / union**2 if union > 0 else 0 for e in "tblr"}
    cw, ch = max(right, tr) - min(left, tl), max(bottom, tb) - min(top, tt)
    if kind == "giou":
        area = cw * ch
        d_c = {
            "t": -cw if top < tt else 0,
            "b": cw if bottom > tb else 0,
            "l": -ch if left < tl else 0,
            "r": ch if right > tr else 0,
        }
        for edge in "tblr":
            term = (area * d_union[edge] - union * d_c[edge]) / area**2 if area > 0 else 0
            p[edge] = term if apart else p[edge] + term
    d = [p["l"] + p["r"], p["t"] + p["b"], p["r"] - p["l"], p["b"] - p["t"]]
    if kind not in ("diou", "ciou"):
        return d
    s = (pred[0] - truth[0]) ** 2 + (pred[1] - truth[1]) ** 2
    c = cw**2 + ch**2
    beyond = {"l": int(left < tl), "r": int(right > tr), "t": int(top < tt), "b": int(bottom > tb)}
    dcw_dx, dcw_dw = beyond["r"] - beyond["l"], 0.5 * (beyond["r"] + beyond["l"])
    dch_dy, dch_dh = beyond["b"] - beyond["t"], 0.5 * (beyond["b"] + beyond["t"])
    extra = [
        (2 * (truth[0] - pred[0]) * c - 2 * cw * dcw_dx * s) / c**2,
        (2 * (truth[1] - pred[1]) * c - 2 * ch * dch_dy * s) / c**2,
        2 * cw * dcw_dw * s / c**2,
        2 * ch * dch_dh * s / c**2,
    ]
    if kind == "ciou":
        slope = 8 / math.pi**2 * (math.atan(truth[2] / truth[3]) - math.atan(pw / ph))
        v = aspect((*pred[:2], pw, ph), truth)
        alpha = v / (1 - inter / union + v + 1e-6)
        extra[2] += alpha * slope * ph
        extra[3] -= alpha * slope * pw
    return extra if apart else [a + b for a, b in zip(d, extra, strict=True)]


class Image:
    """One image: its output (A, 5 + K, H, W), the delta that grows, and what the cost sums."""

    def __init__(self, head, output, truths):
        self.head, self.output, self.truths = head, output, truths
        self.delta = np.zeros_like(output)
        self.overlaps = []  # (iou, giou) of the positives of pass B
        self.height, self.width = output.shape[2:]

    def box(self, n, j, i):
        """The decoded box of one anchor of one cell, relative."""
        head, (x, y, w, h) = self.head, self.output[n, :4, j, i]
        aw, ah = head.anchors[head.mask[n]]
        if head.new_coords:
            wide, tall = w * w * 4, h * h * 4
        else:
            wide, tall = math.exp(w), math.exp(h)
        return (
            (i + x) / self.width,
            (j + y) / self.height,
            wide * aw / head.net[1],
            tall * ah / head.net[0],
        )

    def add_box(self, n, j, i, truth, mult):
        """Add the box delta towards one truth; returns (iou, giou) of the box before."""
        head, delta, v = self.head, self.delta[n, :, j, i], self.output[n, :, j, i]
        pred = self.box(n, j, i)
        if head.iou_loss == "mse":
            aw, ah = head.anchors[head.mask[n]]
            wide, tall = truth[2] * head.net[1] / aw, truth[3] * head.net[0] / ah
            t = [truth[0] * self.width - i, truth[1] * self.height - j]
            t += (
                [math.sqrt(wide / 4), math.sqrt(tall / 4)]
                if head.new_coords
                else [math.log(wide), math.log(tall)]
            )
            scale = 2 - truth[2] * truth[3]
            delta[:4] += [scale * head.iou_normalizer * mult * (t[e] - v[e]) for e in range(4)]
        else:
            d = gradient(pred, truth, head.iou_loss)
            if not head.new_coords:
                d[2], d[3] = d[2] * math.exp(v[2]), d[3] * math.exp(v[3])
            for e in range(4):
                value = head.iou_normalizer * mult * d[e]
                value = value if math.isfinite(value) else 0
                delta[e] += min(max(value, -head.max_delta), head.max_delta)
        return similarity(pred, truth, "iou"), similarity(pred, truth, "giou")

    def add_class(self, n, j, i, label):
        """Set the class deltas of one anchor of one cell."""
        head, delta, p = self.head, self.delta[n, 5:, j, i], self.output[n, 5:, j, i]
        eps = head.label_smooth_eps
        if delta[label] != 0:
            delta[label] = (1 * (1 - eps) + eps / 2 - p[label]) * head.multiplier(label)
        elif head.focal_loss:
            pt = p[label]
            grad = 0.5 * -(1 - pt) * (2 * pt * math.log(pt) + pt - 1)
            for c in range(head.classes):
                delta[c] = ((c == label) - p[c]) * grad
        else:
            for c in range(head.classes):
                delta[c] = (c == label) * (1 - eps) + eps / 2 - p[c]
            if head.counters_per_class:
                delta[label] *= head.multiplier(label) * head.cls_normalizer

    def pass_a(self):
        """Every cell and every anchor of the mask against every truth."""
        head = self.head
        for n in range(len(head.mask)):
            for j in range(self.height):
                for i in range(self.width):
                    self.judge(n, j, i)

    def judge(self, n, j, i):
        """Background, ignored, or (truth_thresh < 1) positive."""
        head, v, delta = self.head, self.output[n, :, j, i], self.delta[n, :, j, i]
        best, best_truth = 0.0, None
        for truth in self.truths:
            value = iou(self.box(n, j, i), truth)
            if value > best:
                best, best_truth = value, truth
        match = best if max(v[5:]) > 0.25 else 0.0
        delta[4] = head.obj_normalizer * (0 - v[4])
        if match > head.ignore_thresh:
            delta[4] = head.obj_normalizer * (match - v[4]) if head.objectness_smooth else 0
        if best > head.truth_thresh:
            label = int(best_truth[4])
            aim = best**2 if head.objectness_smooth else 1
            delta[4] = head.obj_normalizer * (aim - v[4])
            self.add_class(n, j, i, label)
            if head.objectness_smooth:
                delta[5 + label] = head.multiplier(label) * (aim - v[5 + label])
            self.add_box(n, j, i, best_truth, head.multiplier(label))

    def pass_b(self):
        """Every truth against every anchor."""
        head = self.head
        for truth in self.truths:
            i = min(int(truth[0] * self.width), self.width - 1)
            j = min(int(truth[1] * self.height), self.height - 1)
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
        self.overlaps.append(self.add_box(n, j, i, truth, mult))
        if not head.objectness_smooth or self.delta[n, 4, j, i] == 0:
            self.delta[n, 4, j, i] = mult * head.obj_normalizer * (1 - self.output[n, 4, j, i])
        self.add_class(n, j, i, label)

    def pass_c(self):
        """Share the box delta among the classes that are positive."""
        if self.head.iou_thresh >= 1:
            return
        for n in range(len(self.delta)):
            for j in range(self.height):
                for i in range(self.width):
                    positives = sum(value > 0 for value in self.delta[n, 5:, j, i])
                    if self.delta[n, 4, j, i] != 0 and positives:
                        self.delta[n, :4, j, i] /= positives


def yolo_loss(head, output, truths):
    """The delta (N, A, 5 + K, H, W) and the cost that Darknet reports for the minibatch."""
    images = []
    for maps, rows in zip(np.asarray(output, np.float64), truths, strict=True):
        rows = [[float(v) for v in row] for row in rows if 0 <= int(row[4]) < head.classes]
        image = Image(head, maps, rows)
        image.pass_a()
        image.pass_b()
        image.pass_c()
        images.append(image)
    delta = np.stack([image.delta for image in images])
    if head.iou_loss == "mse":
        return delta, float((delta**2).sum())
    overlaps = [pair for image in images for pair in image.overlaps]
    losses = [1 - pair[head.iou_loss == "giou"] for pair in overlaps]
    box = head.iou_normalizer * sum(losses) / len(losses) if losses else 0.0
    return delta, float(box + head.obj_normalizer * (delta[:, :, 4:] ** 2).sum())
