"""Heads that share out truths among them, in plain loops: slow, obvious, independent of the package.

Candidates as Scaled-YOLOv4 has them (arXiv:2011.08036) and YOLOv5 before it: anchors whose sides are within
a factor of 4 of the truth's, in its cell and the two nearest ones; here only where these can predict its
centre. SimOTA as in YOLOX (arXiv:2107.08430) and YOLOv7 (arXiv:2207.02696). CIoU from Zheng et al.,
"Distance-IoU loss", AAAI 2020, arXiv:1911.08287, where the weight of the aspect term is a constant to the
gradient. Everything is float64.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


@dataclass
class Head:
    """What one `[yolo]` says, and the network's size, height and width in pixels."""

    anchors: list  # [(w, h), ...] pixels, of this head alone
    classes: int
    net: tuple
    iou_loss: str = "ciou"
    iou_normalizer: float = 1.0
    obj_normalizer: float = 1.0
    cls_normalizer: float = 1.0
    label_smooth_eps: float = 0.0
    scale_x_y: float = 1.0
    new_coords: int = 0


class Pair(NamedTuple):
    """A box, by head, image, row, column and anchor, and a truth of its image."""

    head: int
    image: int
    row: int
    column: int
    anchor: int
    truth: int

    @property
    def box(self):
        return self[:5]


def sigmoid(value):
    return 1 / (1 + math.exp(-value))


def clamped(value, least):
    return min(max(value, least), 1 - least)


def entries(heads, maps, pair):
    """x, y, w, h, objectness, classes of a pair's box, as the layer reads them."""
    k, image, row, column, anchor, _ = pair
    size = 5 + heads[k].classes
    return maps[k][image, anchor * size : (anchor + 1) * size, row, column]


def predicted(heads, maps, pair):
    """(x, y, w, h) of a box, in pixels."""
    head, (x, y, w, h) = heads[pair.head], entries(heads, maps, pair)[:4]
    rows, columns = maps[pair.head].shape[2:]
    aw, ah = head.anchors[pair.anchor]
    if not head.new_coords:
        x, y, w, h = sigmoid(x), sigmoid(y), math.exp(w), math.exp(h)
    else:
        w, h = (2 * w) ** 2, (2 * h) ** 2
    x, y = (value * head.scale_x_y - 0.5 * (head.scale_x_y - 1) for value in (x, y))
    return (pair.column + x) / columns * head.net[1], (pair.row + y) / rows * head.net[0], w * aw, h * ah


def probabilities(heads, maps, pair):
    """Objectness, and the classes."""
    numbers = entries(heads, maps, pair)[4:]
    if heads[pair.head].new_coords:
        return [clamped(value, 1e-6) for value in numbers]
    return [sigmoid(value) for value in numbers]


def true_px(heads, truth):
    height, width = heads[0].net
    return truth[0] * width, truth[1] * height, truth[2] * width, truth[3] * height


def iou(a, b):
    across = min(a[0] + a[2] / 2, b[0] + b[2] / 2) - max(a[0] - a[2] / 2, b[0] - b[2] / 2)
    down = min(a[1] + a[3] / 2, b[1] + b[3] / 2) - max(a[1] - a[3] / 2, b[1] - b[3] / 2)
    inter = max(across, 0) * max(down, 0)
    return inter / (a[2] * a[3] + b[2] * b[3] - inter)


def reached(place, head):
    """Whether the nearest other cell can predict a centre at `place` (in cells), by scale_x_y."""
    gap = min(place % 1, 1 - place % 1)
    return gap == 0 or gap < (head.scale_x_y - 1) / 2


def candidates(heads, maps, truths):
    """Every pair that may be taught."""
    found = set()
    for k, head in enumerate(heads):
        rows, columns = maps[k].shape[2:]
        for image, boxes in enumerate(truths):
            for number, truth in enumerate(boxes):
                if not 0 <= truth[4] < head.classes:
                    continue
                _, _, w, h = true_px(heads, truth)
                x, y = truth[0] * columns, truth[1] * rows
                column, row = min(int(x), columns - 1), min(int(y), rows - 1)
                cells = [(row, column)]
                if reached(x, head):
                    cells.append((row, column - 1 if x - column < 0.5 else column + 1))
                if reached(y, head):
                    cells.append((row - 1 if y - row < 0.5 else row + 1, column))
                for anchor, (aw, ah) in enumerate(head.anchors):
                    if max(w / aw, aw / w, h / ah, ah / h) >= 4:
                        continue
                    for j, i in cells:
                        if 0 <= j < rows and 0 <= i < columns:
                            found.add(Pair(k, image, j, i, anchor, number))
    return found


def cost(heads, maps, truths, pair):
    """What SimOTA holds against a pair: classes told wrongly, and three times the lack of overlap."""
    truth = truths[pair.image][pair.truth]
    objectness, *classes = probabilities(heads, maps, pair)
    total = 0.0
    for c, p in enumerate(classes):
        score = clamped(math.sqrt(objectness * p), 1e-7)
        total -= math.log(score if c == int(truth[4]) else 1 - score)
    return total - 3 * math.log(iou(predicted(heads, maps, pair), true_px(heads, truth)) + 1e-8)


def chosen(heads, maps, truths):
    """Of each truth the cheapest pairs, as many as its ten best overlaps add up to; a box has one truth."""
    pairs, taken = candidates(heads, maps, truths), []
    for truth in {(pair.image, pair.truth) for pair in pairs}:
        own = [pair for pair in pairs if (pair.image, pair.truth) == truth]
        target = true_px(heads, truths[truth[0]][truth[1]])
        overlaps = sorted((iou(predicted(heads, maps, pair), target) for pair in own), reverse=True)
        count = max(1, int(sum(overlaps[:10])))
        taken += sorted(own, key=lambda pair: cost(heads, maps, truths, pair))[:count]
    best = {}
    for pair in sorted(taken, key=lambda pair: cost(heads, maps, truths, pair)):
        best.setdefault(pair.box, pair)
    return set(best.values())


def lack(kind, a, b, alpha=None):
    """1 - IoU, GIoU, DIoU or CIoU of two boxes; and CIoU's alpha, unless it is given."""
    value = iou(a, b)
    across = max(a[0] + a[2] / 2, b[0] + b[2] / 2) - min(a[0] - a[2] / 2, b[0] - b[2] / 2)
    down = max(a[1] + a[3] / 2, b[1] + b[3] / 2) - min(a[1] - a[3] / 2, b[1] - b[3] / 2)
    if kind == "iou":
        return 1 - value, alpha
    if kind == "giou":
        both = (a[2] * a[3] + b[2] * b[3]) / (1 + value)
        return 1 - value + (across * down - both) / (across * down), alpha
    far = ((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2) / (across**2 + down**2)
    if kind == "diou":
        return 1 - value + far, alpha
    v = 4 / math.pi**2 * (math.atan(b[2] / b[3]) - math.atan(a[2] / a[3])) ** 2
    alpha = v / (1 - value + v) if alpha is None else alpha
    return 1 - value + far + alpha * v, alpha


def cross_entropy(p, target):
    return -target * math.log(p) - (1 - target) * math.log(1 - p)


class Loss:
    """The loss of some maps, with its pairs, targets and alphas held fast: what the gradient is of."""

    def __init__(self, heads, maps, truths, pairs):
        self.heads, self.truths, self.pairs = heads, truths, sorted(pairs)
        self.targets, self.alphas = {}, {}
        for pair in self.pairs:
            box, true = predicted(heads, maps, pair), true_px(heads, truths[pair.image][pair.truth])
            self.targets[pair.box] = max(self.targets.get(pair.box, 0.0), iou(box, true))
            self.alphas[pair] = lack(heads[pair.head].iou_loss, box, true)[1]

    def of(self, maps):
        """The loss of each head."""
        return [self.of_head(k, maps) for k in range(len(self.heads))]

    def of_head(self, k, maps):
        head, total = self.heads[k], 0.0
        images, _, rows, columns = maps[k].shape
        for place in np.ndindex(images, rows, columns, len(head.anchors)):
            p = probabilities(self.heads, maps, Pair(k, *place, 0))[0]
            total += head.obj_normalizer * cross_entropy(p, self.targets.get((k, *place), 0.0))
        for pair in (pair for pair in self.pairs if pair.head == k):
            truth = self.truths[pair.image][pair.truth]
            box, true = predicted(self.heads, maps, pair), true_px(self.heads, truth)
            total += head.iou_normalizer * lack(head.iou_loss, box, true, self.alphas[pair])[0]
            for c, p in enumerate(probabilities(self.heads, maps, pair)[1:]):
                target = (c == int(truth[4])) * (1 - head.label_smooth_eps) + head.label_smooth_eps / 2
                total += head.cls_normalizer * cross_entropy(p, target)
        return total

    def slope(self, maps, k, place, step=1e-5):
        """By central differences, of the sum over heads, by one entry of one map."""
        values = []
        for sign in (1, -1):
            moved = [one.copy() for one in maps]
            moved[k][place] += sign * step
            values.append(self.of_head(k, moved))
        return (values[0] - values[1]) / (2 * step)
