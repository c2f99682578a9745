"""Night: bright figures on dark ground, drawn on the spot like `scenes`, and easier: the data of the demo.

Four figures are drawn with strokes whose width is a share of their size, so that those of a small figure are
about a pixel wide. Wherever such a stroke crosses a window of 2 x 2 pixels, the brightest pixel of the window
is of the stroke and the darkest is of the ground: the greatest value of each window keeps all figures, and
the least one keeps large figures only. Stars of a pixel and lumps of no class are as bright as the figures.
"""

from __future__ import annotations

from typing import ClassVar

import cv2
import numpy as np

from darknet_py.data.formats.synthetic.drawing import (
    DISC,
    TRIANGLE,
    Figure,
    Pose,
    Stamp,
    circle,
    paint,
    rectangle,
    stamp,
)
from darknet_py.data.formats.synthetic.scenes import Scene, Scenes

STROKE = 0.1  # width of a stroke, as a fraction of half the figure's side
SMALLEST, LARGEST = 0.14, 0.6  # side of a figure, as a fraction of the image
MOST_FIGURES, MOST_STARS, MOST_LUMPS = 4, 20, 3
TURN = 0.3  # radians, to either side
TRIES = 20  # places tried before a figure is left out
BRIGHT = (130.0, 250.0)  # levels of figures, stars and lumps; the ground is darker


def _outlined(name: str, outline: np.ndarray) -> Figure:
    """The outline as a stroke: the polygon, and a smaller one as a hole."""
    centre = np.array([0.0, 0.25]) if len(outline) == 3 else np.zeros(2)  # of the circle in a triangle
    scale = 1 - STROKE / (0.5 if len(outline) == 3 else 1.0)
    return Figure(name, (outline, centre + (outline - centre) * scale))


def _bars(name: str) -> Figure:
    half = STROKE / 2
    arm = [[-half, -1], [half, -1], [half, -half]]
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])
    quarters = [np.array(arm) @ np.linalg.matrix_power(turn, turns) for turns in range(4)]
    return Figure(name, (np.concatenate(quarters),))


FIGURES = (
    _outlined("circle", DISC),
    _outlined("square", rectangle(-0.85, -0.85, 0.85, 0.85)),
    _outlined("triangle", TRIANGLE),
    _bars("cross"),
)
LUMP = Figure("", (circle(corners=16),))


class Night(Scenes):
    """One split of the night; an image is drawn when it is first asked for, and kept.

    Args:
        split, train, val, size, seed: as of `Scenes`.

    Raises: UsageError: when the split is unknown or a number out of range.

    >>> Night("val", val=3).pixels(0).shape
    (96, 96, 3)
    """

    word: ClassVar[str] = "night"
    version: ClassVar[int] = 1  # goes up with any change to a pixel
    names = tuple(figure.name for figure in FIGURES)
    category_ids = tuple(range(1, len(FIGURES) + 1))

    def __init__(
        self, split: str, *, train: int = 1000, val: int = 300, size: int = 96, seed: int = 0
    ) -> None:
        """Remember what to draw; nothing is drawn yet."""
        super().__init__(split, train=train, val=val, size=size, seed=seed)

    def draw(self, rng: np.random.Generator) -> Scene:
        """Draw one image from the numbers of one generator."""
        picture = _ground(rng, self.size)
        rows, columns = rng.integers(0, self.size, (2, int(rng.integers(0, MOST_STARS + 1))))
        picture[:, rows, columns] = rng.uniform(*BRIGHT, len(rows))
        for _ in range(rng.integers(0, MOST_LUMPS + 1)):
            x, y = rng.uniform(0, self.size, 2)
            radius = self.size * rng.uniform(0.01, 0.03)
            _paint(rng, picture, stamp(LUMP, Pose(x, y, radius, radius, 0.0)))
        marks, labels = _figures(rng, self.size)
        for mark in marks:
            _paint(rng, picture, mark)
        corners = np.array([mark.box_xyxy for mark in marks]).reshape(-1, 4).clip(0, self.size)
        boxes_xywh = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
        noise = rng.normal(0, rng.uniform(1, 8), picture.shape)
        pixels = np.clip(np.rint(picture + noise), 0, 255).astype(np.uint8)
        return Scene(cv2.merge(list(pixels)), boxes_xywh, np.array(labels, dtype=np.int64))


def _figures(rng: np.random.Generator, size: int) -> tuple[list[Stamp], list[int]]:
    """Choose figures and their places; their boxes lie in the image and do not meet."""
    marks: list[Stamp] = []
    labels: list[int] = []
    sides = SMALLEST * (LARGEST / SMALLEST) ** rng.random(int(rng.integers(1, MOST_FIGURES + 1)))
    for half in sorted(size / 2 * sides, reverse=True):
        label, stretch = int(rng.integers(len(FIGURES))), rng.uniform(0.85, 1.18)
        for _ in range(TRIES):
            x, y = rng.uniform(half, size - half, 2)
            mark = stamp(FIGURES[label], Pose(x, y, half * stretch, half / stretch, rng.uniform(-TURN, TURN)))
            if all(_are_separate(mark, other) for other in marks):
                marks.append(mark)
                labels.append(label)
                break
    return marks, labels


def _are_separate(one: Stamp, other: Stamp) -> bool:
    left, top, right, bottom = one.box_xyxy
    x1, y1, x2, y2 = other.box_xyxy
    return right < x1 or x2 < left or bottom < y1 or y2 < top


def _ground(rng: np.random.Generator, size: int) -> np.ndarray:
    """Dark, with wide patches: (3, size, size) float32."""
    ground = np.empty((3, size, size), dtype=np.float32)
    ground[:] = rng.uniform(15, 45, (3, 1, 1))
    for plane in ground:
        patches = rng.uniform(-12, 12, (4, 4)).astype(np.float32)
        plane += cv2.resize(patches, (size, size), interpolation=cv2.INTER_LINEAR)
    return ground


def _paint(rng: np.random.Generator, picture: np.ndarray, mark: Stamp) -> None:
    colour = rng.uniform(*BRIGHT) * rng.uniform(0.8, 1.0, 3)
    paint(picture, mark, colour=colour, ink=colour, slope=(0.0, 0.0))
