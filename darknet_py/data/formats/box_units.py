"""What the four numbers of a box mean: their order and their scale, judged over a complete file.

One row cannot say: `[0.41, 0.73, 0.17, 0.21]` may be a speck in the corner, and `[30, 40, 90, 80]` a box or
two corners. Over all rows of a file it shows: the boxes are in other units than the format's if those put all
of them into their images, and the format's do not, or put all into the first pixel. Where boxes only reach
over the edge, as those of hidden persons may, no other order fits all of them, and nothing is reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from darknet_py.errors import UsageError, quoted

ORDERS = {
    "xywh": "x, y, width, height from the corner",
    "corners": "two corners (x1, y1, x2, y2)",
    "centre": "the centre, width and height",
}
SCALES = {"pixels": "pixels", "fractions": "fractions of the image", "percent": "percent of the image"}
FOLLOW_UPS = (  # codes of what every row shows where the units are wrong
    "box-negative-size",
    "box-without-size",
    "box-outside",
    "box-crosses-edge",
    "box-tiny",
    "area-beyond-box",
    "label-pixels",
    "label-out-of-range",
)
SLACK = 1e-3  # of rounding, in fractions
EDGE, EDGE_PX = 0.005, 1.5  # a box that reaches no farther over the edge fits
DEEP, DEEP_PX = 0.03, 3.0  # one that reaches farther does not, however the tool rounds
ALL, SOME, MANY = 0.99, 0.25, 20  # shares, and boxes from which on a few misfits are enough
LEAST_SIDE_PX = 8  # in smaller images a box of a pixel is no surprise
PERCENT_SIDE_PX, PERCENT_BOXES, SPREAD = 200, 5, 0.1  # of images, and of centres as fractions


@dataclass(frozen=True)
class BoxUnits:
    """The order of the four numbers, and their scale; see `ORDERS` and `SCALES`."""

    order: str
    scale: str

    def __str__(self) -> str:
        return f"{ORDERS[self.order]} in {SCALES[self.scale]}"

    def corners(self, numbers: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        """Boxes as corners (x1, y1, x2, y2) in fractions of the image, (B, 4).

        Args:
            numbers: (B, 4) as they are written.
            sizes: (B, 2) width and height of the images in pixels.
        """
        scale: np.ndarray | float = 100.0 if self.scale == "percent" else 1.0
        if self.scale == "pixels":
            scale = np.concatenate([sizes, sizes], axis=1)
        first, second = np.split(numbers / scale, 2, axis=1)
        if self.order == "centre":
            first = first - second / 2
        return np.concatenate([first, second if self.order == "corners" else first + second], axis=1)

    def box_xywh(self, numbers: Sequence[float], size: tuple[float, float]) -> list[float]:
        """One box from the corner, as floats in the unit of `size`."""
        corners = self.corners(np.array([numbers], dtype=np.float64), np.array([size], dtype=np.float64))[0]
        (width, height), (left, top, right, bottom) = size, corners.tolist()
        return [left * width, top * height, (right - left) * width, (bottom - top) * height]


COCO_UNITS = BoxUnits("xywh", "pixels")
LABEL_UNITS = BoxUnits("centre", "fractions")
VOC_UNITS = BoxUnits("corners", "pixels")


@dataclass(frozen=True)
class UnitsVerdict:
    """Boxes that are in other units than their format's.

    Args:
        units: the likeliest.
        others: which fit as well.
        boxes: so many of `total` show it.
        sure: no valid data set looks so.
    """

    units: BoxUnits
    others: tuple[BoxUnits, ...]
    boxes: int
    total: int
    sure: bool

    def message(self, expected: BoxUnits, *, to: str) -> str:
        """What is wrong with the file, and the command that converts it.

        Args:
            expected: the units of the format.
            to: the layout that `data convert` would write.
        """
        kept = self.units.order == expected.order
        found = SCALES[self.units.scale] if kept else ORDERS[self.units.order]
        wanted = SCALES[expected.scale] if kept else ORDERS[expected.order]
        if not kept and self.units.scale != expected.scale:
            found, wanted = str(self.units), str(expected)
        word = "are" if self.sure else "look like"
        also = " or ".join(ORDERS[other.order] for other in self.others)
        also = f" ({also} would fit as well)" if also else ""
        return (
            f"{self.boxes:,} of {self.total:,} boxes {word} {found}, not {wanted}{also}; `darknet-py data "
            f"convert DATA --boxes {option_of(self.units, expected)} --to {to} --out NEW` converts them"
        )


def option_of(units: BoxUnits, expected: BoxUnits) -> str:
    """What `--boxes` takes for these units: the words in which they differ from those of the format."""
    words = (units.order, units.scale)
    differing = [word for word in words if word not in (expected.order, expected.scale)]
    return ",".join(differing) or units.scale


def units_of(text: str, expected: BoxUnits) -> BoxUnits:
    """Read `--boxes`; what it leaves open is as in the format.

    Raises: UsageError: when a word is neither an order nor a scale.
    """
    units = expected
    for word in text.split(","):
        if word in ORDERS:
            units = replace(units, order=word)
        elif word in SCALES:
            units = replace(units, scale=word)
        else:
            known = ", ".join((*ORDERS, *SCALES))
            hint = f"expected one or two of {known}, as in corners,fractions"
            raise UsageError(f"--boxes {quoted(text)}: `{quoted(word)}` is no unit of boxes", hint=hint)
    return units


def judge_units(numbers: np.ndarray, sizes: np.ndarray, expected: BoxUnits) -> UnitsVerdict | None:
    """Judge all boxes of a file, or None where they are what the format says, as far as one can see.

    Args:
        numbers: (B, 4) as they are written.
        sizes: (B, 2) width and height of the image of each.
        expected: the units of the format.
    """
    if not np.isfinite(numbers).all():
        finite = np.isfinite(numbers).all(axis=1)
        numbers, sizes = numbers[finite], sizes[finite]
    if not len(numbers):
        return None
    in_pixels = expected.scale == "pixels"
    other = _other_scale_than_pixels(numbers, sizes) if in_pixels else _scale_beyond(numbers, sizes)
    if other is None:
        return _other_order(numbers, sizes, expected)
    scale, boxes, sure = other
    fits = {
        order: _fits(BoxUnits(order, scale), numbers, sizes).mean()
        for order in sorted(ORDERS, key=lambda order: order != expected.order)
    }
    best = max(fits.values())
    first, *others = (BoxUnits(order, scale) for order, fit in fits.items() if fit == best)
    return UnitsVerdict(first, tuple(others), boxes, len(numbers), sure)


def _other_scale_than_pixels(numbers: np.ndarray, sizes: np.ndarray) -> tuple[str, int, bool] | None:
    """Find fractions or percent where pixels are expected: the scale, the boxes that show it, if surely."""
    largest = np.abs(numbers).max(axis=1)
    below = (largest <= 1 + SLACK) & (sizes.min(axis=1) >= LEAST_SIDE_PX)
    if below.any():
        broken = below & (numbers % 1 != 0).any(axis=1)
        count = int(below.sum())
        if count >= ALL * len(numbers) and (count >= 3 or broken.any()):
            return "fractions", count, True
        count = int(broken.sum())
        if count >= max(3, 0.05 * len(numbers)):
            return "fractions", count, False
    if largest.max() > 100 + SLACK or len(numbers) < PERCENT_BOXES or sizes.min() < PERCENT_SIDE_PX:
        return None
    corners = BoxUnits("corners", "percent").corners(numbers, sizes)
    spread = float(np.min(corners[:, :2].std(axis=0)))
    if spread < SPREAD or min(corners[:, [0, 2]].max(), corners[:, [1, 3]].max()) < 0.5:
        return None  # in one corner of all images, where a logo or a date may be
    return "percent", len(numbers), len(numbers) >= MANY


def _scale_beyond(numbers: np.ndarray, sizes: np.ndarray) -> tuple[str, int, bool] | None:
    """Find percent or pixels where fractions are expected."""
    largest = np.abs(numbers).max(axis=1)
    count = int((largest >= 2).sum())
    if count < 0.9 * len(numbers):
        return None
    percent = largest.max() <= 100 + SLACK and (
        sizes.min() >= PERCENT_SIDE_PX or (numbers.max(axis=1) > sizes.max(axis=1)).any()
    )
    return "percent" if percent else "pixels", count, True


def _other_order(numbers: np.ndarray, sizes: np.ndarray, expected: BoxUnits) -> UnitsVerdict | None:
    """Find the order that fits all boxes where the expected one does not."""
    misfits = int((~_fits(expected, numbers, sizes, least=DEEP, least_px=DEEP_PX)).sum())
    if misfits < 2 or misfits < 0.01 * len(numbers):
        return None
    others = [replace(expected, order=order) for order in ORDERS if order != expected.order]
    fits = [_fits(units, numbers, sizes).mean() for units in others]
    best = max(fits)
    if best < ALL:
        return None
    first, *rest = (units for units, fit in zip(others, fits, strict=True) if fit == best)
    enough = 0.05 if len(numbers) >= MANY else SOME
    sure = misfits >= 3 and misfits >= enough * len(numbers)
    return UnitsVerdict(first, tuple(rest), len(numbers) if sure else misfits, len(numbers), sure)


def _fits(
    units: BoxUnits, numbers: np.ndarray, sizes: np.ndarray, *, least: float = EDGE, least_px: float = EDGE_PX
) -> np.ndarray:
    """Whether each box has a size and lies in its image, but for so much of a side or so many pixels."""
    first, second = np.split(units.corners(numbers, sizes), 2, axis=1)
    over = np.maximum(least, least_px / sizes)
    inside = (first >= -over) & (second <= 1 + over)
    fits: np.ndarray = np.all(inside & (second > first), axis=1)
    return fits
