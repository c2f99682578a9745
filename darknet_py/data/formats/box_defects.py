"""What can be wrong with the four numbers of a box."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

TINY = 1e-3  # of a side; narrower boxes are not learnt by Darknet
EDGE_PX = 1.0  # tools round; less than a pixel over the edge is no defect
EDGE_FRACTION = 2e-3  # the same for labels, whose image is not opened


@dataclass(frozen=True)
class BoxDefect:
    """The code of a rule, what is wrong, and whether the box is left out because of it."""

    code: str
    message: str
    left_out: bool = True


def box_defect(box: Sequence[float], size: tuple[float, float] | None) -> BoxDefect | None:
    """Find the most severe defect of a box (x, y, width, height) from the corner.

    Args:
        size: width and height of the image in the unit of the box; (1, 1) for fractions; None if unknown.
    """
    if len(box) != 4:
        return BoxDefect("box-length", f"has {len(box)} numbers, not the 4 of x, y, width, height")
    x, y, w, h = box
    width, height = size or (math.inf, math.inf)
    if x >= 0 and y >= 0 and x + w <= width and y + h <= height and w >= TINY * width and h >= TINY * height:
        return None  # as most are
    if not all(map(math.isfinite, box)):
        return BoxDefect("box-not-finite", "has a number that is not finite")
    if w < 0 or h < 0:
        return BoxDefect("box-negative-size", f"is {w:g} wide and {h:g} high")
    if w == 0 or h == 0:
        return BoxDefect("box-without-size", f"is {w:g} wide and {h:g} high")
    return _defect_in(size, x, y, w, h) if size else None


def _defect_in(size: tuple[float, float], x: float, y: float, w: float, h: float) -> BoxDefect | None:
    width, height = size
    if x >= width or y >= height or x + w <= 0 or y + h <= 0:
        return BoxDefect("box-outside", f"lies outside of {width:g} x {height:g}")
    edge = EDGE_PX if size != (1, 1) else EDGE_FRACTION
    over = max(-x, -y, x + w - width, y + h - height)
    if over > edge:
        message = f"reaches {over:g} over the edge of {width:g} x {height:g}"
        return BoxDefect("box-crosses-edge", message, left_out=False)
    if w < TINY * width or h < TINY * height:
        message = f"is {w:g} x {h:g} of {width:g} x {height:g}"
        return BoxDefect("box-tiny", message, left_out=False)
    return None
