"""Detections drawn on the picture: a box and a tag each, in a colour of the class."""

from __future__ import annotations

import colorsys
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from darknet_py.predict.detections import Detections

Colour = tuple[int, int, int]

GOLDEN = 0.618034  # hues differ by a golden section, so neighbouring classes have different colours
BLACK, WHITE = (0, 0, 0), (255, 255, 255)
CROWD = 100  # tags, among which no place is free
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
    """A copy of the picture with boxes (xyxy in pixels), their tags, and colours of their labels.

    Later boxes are drawn over earlier ones, and all tags over all boxes. A tag is above its box, or else
    where it hides no tag of a later box: in the box, below it, or higher.
    """
    import cv2

    picture = np.array(pixels, dtype=np.uint8, order="C")
    height, width = picture.shape[:2]
    line = max(1, round(min(height, width) / 240))
    tags: list[_Tag] = []
    for box, text, label in reversed(boxes):
        left, top, right, bottom = (round(value) for value in box)
        tags.append(_tag((left - line // 2, top, bottom), text, label, picture.shape[:2], tags))
    for box, _, label in boxes:
        left, top, right, bottom = (round(value) for value in box)
        corners = (
            (min(left, width - 1), min(top, height - 1)),
            (min(right, width - 1), min(bottom, height - 1)),
        )
        cv2.rectangle(picture, *corners, colour_of(label), line)
    for tag in reversed(tags):
        tag.draw_on(picture)
    return picture


def ascii_of(name: str) -> str:
    """A class name in the letters that OpenCV can draw.

    >>> ascii_of("café"), ascii_of("犬")
    ('cafe', '?')
    """
    letters = (c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return "".join(c if " " <= c <= "~" else "?" for c in letters)


class _Tag(NamedTuple):
    """A text on a filled rectangle, in pixels."""

    text: str
    colour: Colour
    x: int
    y: int
    width: int
    height: int
    baseline: int
    pad: int
    scale: float
    stroke: int

    def overlaps(self, other: _Tag) -> bool:
        """Whether one hides a part of the other."""
        separate = self.x + self.width <= other.x or other.x + other.width <= self.x
        return not (separate or self.y + self.height <= other.y or other.y + other.height <= self.y)

    def draw_on(self, picture: np.ndarray) -> None:
        """Draw it."""
        import cv2

        corner = (self.x + self.width - 1, self.y + self.height - 1)
        cv2.rectangle(picture, (self.x, self.y), corner, self.colour, cv2.FILLED)
        ink = BLACK if np.dot(self.colour, (0.299, 0.587, 0.114)) > 110 else WHITE
        place = (self.x + self.pad, self.y + self.baseline)
        cv2.putText(
            picture, self.text, place, cv2.FONT_HERSHEY_SIMPLEX, self.scale, ink, self.stroke, cv2.LINE_AA
        )


def _tag(
    box: tuple[int, int, int], text: str, label: int, size: tuple[int, int], others: Sequence[_Tag]
) -> _Tag:
    """The tag of a box, given by its left, top and bottom, where it hides none of the others if it can."""
    import cv2

    (height, width), (left, top, bottom) = size, box
    stroke = max(1, round(min(height, width) / 500))
    scale = max(0.4, min(height, width) / 1000)
    scale *= min(1, width / (cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, stroke)[0][0] + 6))
    (wide, high), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, stroke)
    pad = 2 + stroke
    wide, tall = wide + 2 * pad, high + below + pad
    usual = top - tall if top >= tall else top  # above the box, else in it
    x, lowest = max(0, min(left, width - wide)), max(0, height - tall)
    places = [
        _Tag(
            text,
            colour_of(label),
            x,
            max(0, min(y, lowest)),
            wide,
            tall,
            high + pad // 2 + 1,
            pad,
            scale,
            stroke,
        )
        for y in (usual, top, bottom, top - 2 * tall, top + tall, top - 3 * tall)
    ]
    free = (one for one in places if not any(map(one.overlaps, others)))
    return next(free, places[0]) if len(others) < CROWD else places[0]
