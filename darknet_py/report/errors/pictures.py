"""Small pictures with boxes, as JPEG in data URIs: their number and sides bound the size of a page."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from darknet_py.predict.drawing import ascii_of
from darknet_py.report.plotting import data_uri

if TYPE_CHECKING:
    from PIL import ImageDraw

SIDE, CROP_SIDE = 360, 200  # pixels of a picture, at most
QUALITY = 76
CONTEXT = 0.6  # of a box's longer side, on each side of a crop
FOUND, MISSED, FALSE = (0, 158, 115), (213, 94, 0), (230, 159, 0)  # as in the page's style
INK = (16, 18, 20)

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class DrawnBox:
    """A box in pixels of the image, its colour and its tag; without a tag only the box is drawn."""

    box_xywh: Sequence[float]
    colour: Colour
    tag: str = ""


def picture(pixels: np.ndarray, boxes: Sequence[DrawnBox]) -> str:
    """The image with boxes; those drawn last lie on top."""
    height, width = pixels.shape[:2]
    return _jpeg(pixels, (0, 0, width, height), boxes, SIDE)


def crop(pixels: np.ndarray, box: DrawnBox) -> str:
    """The surroundings of a box, with the box."""
    left, top, width, height = box.box_xywh
    margin = max(CONTEXT * max(width, height), 8)
    whole = pixels.shape[1], pixels.shape[0]
    low = [int(np.clip(edge - margin, 0, end - 1)) for edge, end in zip((left, top), whole, strict=True)]
    edges = zip((left + width, top + height), low, whole, strict=True)
    high = [int(np.clip(edge + margin, start + 1, end)) for edge, start, end in edges]
    return _jpeg(pixels, (low[0], low[1], high[0], high[1]), [box], CROP_SIDE)


def _jpeg(pixels: np.ndarray, part: tuple[int, int, int, int], boxes: Sequence[DrawnBox], side: int) -> str:
    """Part of an image, scaled so that its longer side has `side` pixels, with boxes."""
    from PIL import Image, ImageDraw

    left, top, right, bottom = part
    scale = side / max(right - left, bottom - top)
    size = max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale))
    small = Image.fromarray(pixels[top:bottom, left:right]).resize(size, Image.Resampling.BILINEAR)
    pen = ImageDraw.Draw(small)
    for one in boxes:
        x, y, width, height = one.box_xywh
        x0, y0 = (x - left) * scale, (y - top) * scale
        x1, y1 = max(x0, x0 + width * scale), max(y0, y0 + height * scale)
        pen.rectangle((x0, y0, x1, y1), outline=one.colour, width=2)
    for one in boxes:
        if one.tag:
            at = (one.box_xywh[0] - left) * scale, (one.box_xywh[1] - top) * scale
            _tag(pen, size, at, one)
    target = io.BytesIO()
    small.save(target, "JPEG", quality=QUALITY, optimize=True)
    return data_uri("image/jpeg", target.getvalue())


def _tag(pen: ImageDraw.ImageDraw, size: tuple[int, int], at: tuple[float, float], box: DrawnBox) -> None:
    text = ascii_of(box.tag)
    _, _, right, bottom = pen.textbbox((0, 0), text)
    width, height = right + 5, bottom + 3
    x = min(max(0, at[0]), max(0, size[0] - width))
    y = min(max(0, at[1] - height), max(0, size[1] - height))
    pen.rectangle((x, y, x + width, y + height), fill=box.colour)
    pen.text((x + 3, y + 1), text, fill=INK)
