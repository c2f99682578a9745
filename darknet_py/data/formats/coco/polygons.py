"""Boxes around polygons, for annotations that have nothing else."""

from __future__ import annotations

import math
from typing import Any


def box_around(segmentation: Any) -> list[float] | None:
    """The box (x, y, width, height) around polygons `[[x1, y1, ...], ...]`; None for anything else."""
    if type(segmentation) is not list or not segmentation:
        return None
    for polygon in segmentation:
        numbers = type(polygon) is list and all(type(value) in (int, float) for value in polygon)
        if not numbers or len(polygon) < 6 or len(polygon) % 2:
            return None
    try:
        xs = [float(x) for polygon in segmentation for x in polygon[::2]]
        ys = [float(y) for polygon in segmentation for y in polygon[1::2]]
    except OverflowError:  # a whole number that no float can hold
        return None
    box = [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]
    return box if all(map(math.isfinite, box)) else None
