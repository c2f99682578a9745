"""What can be wrong with four numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

TINY = 1e-3  # of a side; narrower boxes are not learnt by Darknet
EDGE_PX = 1.0  # tools round; less than a pixel over the edge is no damage
EDGE_FRACTION = 2e-3  # the same for labels, whose image is not opened


@dataclass(frozen=True)
class Damage:
    """A kind, what is wrong, and whether the box is lost by it."""

    code: str
    message: str
    lost: bool = True


def box_damage(box: Sequence[float], size: tuple[float, float] | None) -> Damage | None:
    """The gravest damage of a box (x, y, width, height) from the corner.

    Args:
        size: width and height of the image in the unit of the box; (1, 1) for fractions; None if unknown.
    """
    if len(box) != 4:
        return Damage("box-length", f"has {len(box)} numbers, not the 4 of x, y, width, height")
    if not all(map(math.isfinite, box)):
        return Damage("box-not-finite", "has a number that is not finite")
    x, y, w, h = box
    if w < 0 or h < 0:
        return Damage("box-negative-size", f"is {w:g} wide and {h:g} high")
    if w == 0 or h == 0:
        return Damage("box-without-size", f"is {w:g} wide and {h:g} high")
    return _against(x, y, w, h, *size) if size else None


def _against(x: float, y: float, w: float, h: float, width: float, height: float) -> Damage | None:
    if x >= width or y >= height or x + w <= 0 or y + h <= 0:
        return Damage("box-outside", f"lies outside of {width:g} x {height:g}")
    edge = EDGE_PX if (width, height) != (1, 1) else EDGE_FRACTION
    over = max(-x, -y, x + w - width, y + h - height)
    if over > edge:
        return Damage("box-crosses-edge", f"reaches {over:g} over the edge of {width:g} x {height:g}", False)
    if w < TINY * width or h < TINY * height:
        return Damage("box-tiny", f"is {w:g} x {h:g} of {width:g} x {height:g}", False)
    return None
