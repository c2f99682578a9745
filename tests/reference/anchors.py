"""Darknet's calc_anchors in loops, from its semantics: k-means++ by 1 - IoU, means, until no box moves."""

from __future__ import annotations

import numpy as np

Size = tuple[float, float]


def iou(one: Size, other: Size) -> float:
    common = min(one[0], other[0]) * min(one[1], other[1])
    return common / (one[0] * one[1] + other[0] * other[1] - common)


def closest(box: Size, centres: list[Size]) -> int:
    best = 0
    for number, centre in enumerate(centres):
        if 1 - iou(box, centre) < 1 - iou(box, centres[best]):
            best = number
    return best


def calc_anchors(boxes: list[Size], number: int, seed: int) -> tuple[list[Size], float]:
    """Anchors by area, and the average IoU; draws as the package does, one a centre."""
    draw = np.random.Generator(np.random.Philox(seed))
    centres = [boxes[draw.integers(len(boxes))]]
    while len(centres) < number:
        weights = [1 - iou(box, centres[closest(box, centres)]) for box in boxes]
        left = draw.random() * sum(weights)
        for box, weight in zip(boxes, weights, strict=True):
            left -= weight
            if left < 0:
                centres.append(box)
                break
    before = None
    while (assigned := [closest(box, centres) for box in boxes]) != before:
        for number_of, _ in enumerate(centres):
            mine = [box for box, at in zip(boxes, assigned, strict=True) if at == number_of]
            if mine:
                centres[number_of] = (
                    sum(w for w, _ in mine) / len(mine),
                    sum(h for _, h in mine) / len(mine),
                )
        before = assigned
    centres.sort(key=lambda centre: centre[0] * centre[1])
    return centres, sum(iou(box, centres[closest(box, centres)]) for box in boxes) / len(boxes)
