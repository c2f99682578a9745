"""The figures of the scenes, and the pencil: silhouettes and textures as polygons, painted with soft edges.

A figure is an outline and the ink inside it, both polygons in a square from -1 to 1 (y down). Several figures
share an outline and differ only in ink, or share the ink and differ in outline, so neither is enough alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

FINE = 4  # polygons are filled on a grid this much finer, then averaged: edges of 1/16 steps
_SHIFT = 6  # OpenCV's fixed point: polygon corners in 1/64 of a fine cell
_THIN = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


@dataclass(frozen=True, eq=False)
class Figure:
    """What one class looks like.

    Args:
        name: of the class.
        outline: polygons filled by the even-odd rule: a polygon inside another is a hole.
        ink: polygons of the second colour; only what lies inside the outline is seen.
    """

    name: str
    outline: tuple[np.ndarray, ...]
    ink: tuple[np.ndarray, ...] = ()


@dataclass(frozen=True)
class Pose:
    """Where a figure stands: unit square to pixels.

    Args:
        x: of the centre, pixels.
        y: of the centre, pixels.
        half_width: pixels from the centre of the unit square to its side, before turning.
        half_height: the same downwards.
        angle: of the turn, radians.
    """

    x: float
    y: float
    half_width: float
    half_height: float
    angle: float

    def place(self, polygons: tuple[np.ndarray, ...]) -> list[np.ndarray]:
        """Return the polygons in pixels, each (P, 2)."""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        turn = np.array([[cos, sin], [-sin, cos]])
        sides, centre = np.array([self.half_width, self.half_height]), np.array([self.x, self.y])
        return [polygon * sides @ turn + centre for polygon in polygons]


@dataclass(frozen=True, eq=False)
class Stamp:
    """A figure in its pose, as coverage of pixels.

    Args:
        left: column of the first pixel; may be negative.
        top: row of the first pixel; may be negative.
        cover: (h, w) uint8, 255 inside the outline.
        ink: (h, w) uint8, 255 inside the ink.
        box_xyxy: of the outline, in pixels, not clipped.
    """

    left: int
    top: int
    cover: np.ndarray
    ink: np.ndarray
    box_xyxy: tuple[float, float, float, float]


def stamp(figure: Figure, pose: Pose) -> Stamp:
    """Fill a figure's polygons in its pose."""
    outline = pose.place(figure.outline)
    corners = np.concatenate(outline)
    low, high = corners.min(axis=0), corners.max(axis=0)
    origin = np.floor(low).astype(int) - 1
    width, height = np.ceil(high).astype(int) + 1 - origin
    return Stamp(
        left=int(origin[0]),
        top=int(origin[1]),
        cover=_fill(outline, origin, width, height),
        ink=_fill(pose.place(figure.ink), origin, width, height),
        box_xyxy=(float(low[0]), float(low[1]), float(high[0]), float(high[1])),
    )


def inside(mark: Stamp, height: int, width: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Return the rows and columns of the picture under a stamp, and those of the stamp over the picture."""
    rows, columns = mark.cover.shape
    top, left = max(mark.top, 0), max(mark.left, 0)
    bottom, right = min(mark.top + rows, height), min(mark.left + columns, width)
    bottom, right = max(bottom, top), max(right, left)
    return (
        (slice(top, bottom), slice(left, right)),
        (slice(top - mark.top, bottom - mark.top), slice(left - mark.left, right - mark.left)),
    )


def paint(
    picture: np.ndarray, mark: Stamp, *, colour: np.ndarray, ink: np.ndarray, slope: tuple[float, float]
) -> None:
    """Paint a stamp into a picture, in place.

    Args:
        picture: (3, H, W) float32, 0..255. Planes first: broadcasting over a last axis of 3 is slow.
        mark: what to paint.
        colour: (3,) of the figure.
        ink: (3,) of its ink.
        slope: levels that the figure grows lighter from top to bottom and from left to right.
    """
    there, here = inside(mark, *picture.shape[1:])
    cover = mark.cover[here] * np.float32(1 / 255)
    dye = mark.ink[here] * np.float32(1 / 255)
    rows, columns = (np.arange(count, dtype=np.float32) * np.float32(1 / count) for count in mark.cover.shape)
    shade = np.float32(slope[0]) * rows[here[0], None] + np.float32(slope[1]) * columns[here[1]]
    behind = picture[:, there[0], there[1]]
    body = (ink - colour).astype(np.float32)[:, None, None] * dye
    body += shade + colour.astype(np.float32)[:, None, None]
    body -= behind
    body *= cover
    behind += body


def _fill(polygons: list[np.ndarray], origin: np.ndarray, width: int, height: int) -> np.ndarray:
    fine = np.zeros((height * FINE, width * FINE), dtype=np.uint8)
    if not polygons:
        return fine[:height, :width]
    # OpenCV's whole numbers are the middles of cells, ours their corners: hence the half.
    corners = [np.rint(((p - origin) * FINE - 0.5) * (1 << _SHIFT)).astype(np.int32) for p in polygons]
    cv2.fillPoly(fine, corners, 255, shift=_SHIFT)
    # fillPoly fills every cell that an edge touches, so a figure comes out too large; they are to count half.
    even = cv2.addWeighted(fine, 0.5, cv2.erode(fine, _THIN), 0.5, 0)
    return cv2.resize(even, (int(width), int(height)), interpolation=cv2.INTER_AREA)


def circle(radius: float = 1.0, *, x: float = 0.0, y: float = 0.0, corners: int = 48) -> np.ndarray:
    """Return a circle as a polygon, (corners, 2)."""
    angles = np.linspace(0, 2 * np.pi * (corners - 1) / corners, corners)
    return np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], axis=1)


def rectangle(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    """Return a rectangle as a polygon, (4, 2)."""
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], dtype=np.float64)


def _star() -> np.ndarray:
    angles = np.arange(10) * np.pi / 5 - np.pi / 2
    radii = np.where(np.arange(10) % 2 == 0, 1.0, 0.42)
    return np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)


def _cross() -> np.ndarray:
    arm = 0.32
    quarter = np.array([[-arm, -1], [arm, -1], [arm, -arm]])
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])
    return np.concatenate([quarter @ np.linalg.matrix_power(turn, turns) for turns in range(4)])


DISC = circle()
SQUARE = rectangle(-0.85, -0.85, 0.85, 0.85)
TRIANGLE = np.array([[0, -1], [0.95, 0.75], [-0.95, 0.75]])
STRIPES = tuple(rectangle(left, -1, left + 0.29, 1) for left in (-0.73, -0.145, 0.44))
CHECKS = tuple(
    rectangle(-0.85 + 0.425 * i, -0.85 + 0.425 * j, -0.425 + 0.425 * i, -0.425 + 0.425 * j)
    for i in range(4)
    for j in range(4)
    if (i + j) % 2
)
DOTS = tuple(
    circle(0.15, x=x, y=y, corners=12)
    for x, y in ((0, -0.45), (-0.24, 0.05), (0.24, 0.05), (-0.5, 0.52), (0, 0.52), (0.5, 0.52))
)

FIGURES = (
    Figure("plain-disc", (DISC,)),
    Figure("striped-disc", (DISC,), STRIPES),
    Figure("ring", (DISC, circle(0.55))),
    Figure("plain-square", (SQUARE,)),
    Figure("checkered-square", (SQUARE,), CHECKS),
    Figure("dotted-triangle", (TRIANGLE,), DOTS),
    Figure("star", (_star(),)),
    Figure("cross", (_cross(),)),
)
