"""Detections drawn on the picture: a box and a tag each, in a colour of the class."""

from __future__ import annotations

import colorsys
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:  # pages with pictures do without torch
    from darknet_py.predict.detections import Detections

Colour = tuple[int, int, int]

GOLDEN = 0.618034  # hues differ by a golden section, so neighbouring classes have different colours
BLACK, WHITE = (0, 0, 0), (255, 255, 255)
HIDDEN = "dont_show"  # Darknet does not draw a class whose name begins so


def colour_of(label: int) -> Colour:
    """RGB of a class: the same in every picture, and never too dark to see.

    >>> colour_of(0)
    (242, 48, 48)
    """
    red, green, blue = colorsys.hsv_to_rgb(
        label * GOLDEN % 1, 0.8 - label % 3 * 0.15, 0.95 - label // 3 % 2 * 0.2
    )
    return round(red * 255), round(green * 255), round(blue * 255)


def draw(pixels: np.ndarray, detections: Detections) -> np.ndarray:
    """A copy of the picture with the detections on it, the best on top.

    Line width and text grow with the picture. OpenCV writes ASCII only: accents are left out, and any other
    letter becomes `?`.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        detections: boxes in pixels.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    drawn = [each for each in detections if not each.name.startswith(HIDDEN)]
    tags = [f"{ascii_of(each.name)} {each.score:.0%}" for each in drawn]
    boxes = [(each.box_xyxy, tag, each.label) for each, tag in zip(drawn, tags, strict=True)]
    return draw_boxes(pixels, boxes[::-1])


def draw_boxes(pixels: np.ndarray, boxes: Sequence[tuple[Sequence[float], str, int]]) -> np.ndarray:
    """A copy of the picture with boxes (xyxy in pixels), their tags, and colours of their labels."""
    import cv2

    picture = np.array(pixels, dtype=np.uint8, order="C")
    height, width = picture.shape[:2]
    line = max(1, round(min(height, width) / 240))
    for box, tag, label in boxes:
        left, top, right, bottom = (round(value) for value in box)
        corners = (
            (min(left, width - 1), min(top, height - 1)),
            (min(right, width - 1), min(bottom, height - 1)),
        )
        cv2.rectangle(picture, *corners, colour_of(label), line)
        _draw_tag(picture, (left - line // 2, top), tag, colour_of(label))
    return picture


def ascii_of(name: str) -> str:
    """A class name in the letters that OpenCV can draw.

    >>> ascii_of("café"), ascii_of("犬")
    ('cafe', '?')
    """
    letters = (c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return "".join(c if " " <= c <= "~" else "?" for c in letters)


def _draw_tag(picture: np.ndarray, corner: tuple[int, int], text: str, colour: Colour) -> None:
    import cv2

    font, (height, width) = cv2.FONT_HERSHEY_SIMPLEX, picture.shape[:2]
    stroke = max(1, round(min(height, width) / 500))
    scale = max(0.4, min(height, width) / 1000)
    scale *= min(1, width / (cv2.getTextSize(text, font, scale, stroke)[0][0] + 6))
    (wide, high), below = cv2.getTextSize(text, font, scale, stroke)
    pad = 2 + stroke
    tag_width, tag_height = wide + 2 * pad, high + below + pad

    x = max(0, min(corner[0], width - tag_width))
    above = corner[1] - tag_height if corner[1] >= tag_height else corner[1]  # else inside the box
    y = max(0, min(above, height - tag_height))
    cv2.rectangle(picture, (x, y), (x + tag_width - 1, y + tag_height - 1), colour, cv2.FILLED)
    ink = BLACK if np.dot(colour, (0.299, 0.587, 0.114)) > 110 else WHITE
    cv2.putText(picture, text, (x + pad, y + high + pad // 2 + 1), font, scale, ink, stroke, cv2.LINE_AA)
