"""Pairs of a detection and a truth of one class and image, and their IoU, for millions of boxes in parts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from darknet_py.scoring.tables import Booleans, Doubles, Ints

PAIRS = 4_000_000  # boxes compared at once


def pairs_of_groups(groups: Ints, others: Ints) -> Iterator[tuple[Ints, Ints]]:
    """All pairs of equal groups, in parts of about `PAIRS`: indices of `groups` and of `others`.

    Args:
        groups: of the detections, in any order, (B,).
        others: of the truths, ascending, (T,).
    """
    first = np.searchsorted(others, groups, side="left")
    counts = np.searchsorted(others, groups, side="right") - first
    ends, start = np.cumsum(counts), 0
    while start < len(groups):
        done = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + PAIRS, side="right")))
        part = counts[start:stop]
        detections = np.repeat(np.arange(start, stop), part)
        inside = np.arange(len(detections)) - np.repeat(np.cumsum(part) - part, part)
        yield detections, first[detections] + inside
        start = stop


def ious_of_pairs(one: Doubles, other: Doubles, regions: Booleans, *, border: float = 0.0) -> Doubles:
    """IoU of boxes row by row, with the roundings of pycocotools.

    Args:
        one, other: boxes_xywh of detections and of truths, (P, 4).
        regions: of which truths the detection's own area is divided by, as of COCO's crowds, (P,).
        border: pixels that are added to every side.
    """
    sides = [
        np.minimum(one[:, 2 + axis] + one[:, axis], other[:, 2 + axis] + other[:, axis])
        - np.maximum(one[:, axis], other[:, axis])
        + border
        for axis in (0, 1)
    ]
    common = np.where((sides[0] > 0) & (sides[1] > 0), sides[0] * sides[1], 0.0)
    area = (one[:, 2] + border) * (one[:, 3] + border)
    whole = area + (other[:, 2] + border) * (other[:, 3] + border) - common
    union = np.where(regions, area, whole)
    return np.divide(common, union, out=np.zeros_like(common), where=common > 0)
