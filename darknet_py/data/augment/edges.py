"""The mapping of pixels and boxes of an image into a training sample."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class AxisMapping(NamedTuple):
    """One axis: `pixels` of the image from `near` on are drawn on `cells` of the sample from `first` on.

    Outside of them nothing is drawn; there a cell is `step` pixels.
    """

    near: int
    pixels: int
    first: int
    cells: int
    step: float


def along(image: int, start: float, length: float, side: int, first: int, count: int) -> AxisMapping:
    """Map a window of the image to `count` of the `side` cells that show it, from cell `first` on.

    Complete pixels become complete cells, as in Darknet's crop: the drawing moves and stretches by a part of
    one, and boxes follow it.

    Args:
        image: its pixels.
        start: of the window, in pixels; it may reach beyond the image.
        length: of the window.
    """
    step = length / side
    begin = start + first * step
    low, high = max(0.0, begin), min(float(image), begin + count * step)
    if low >= high:
        return AxisMapping(0, 0, round(-start / step), 0, step)
    near, pixels = _whole(low, high)
    before, cells = _whole((low - begin) / step, (high - begin) / step)
    return AxisMapping(near, pixels, first + before, cells, step)


def _whole(low: float, high: float) -> tuple[int, int]:
    """The first of the whole numbers that a stretch comes nearest to, and how many; one at least."""
    first, last = round(low), round(high)
    return (first, last - first) if last > first else (int((low + high) / 2), 1)


def edges_in(
    across: AxisMapping, down: AxisMapping, rows: np.ndarray, size: tuple[int, int], *, mirrored: bool
) -> np.ndarray:
    """Boxes cut at the sample; those smaller than a cell are dropped.

    Args:
        rows: (T, 5) x, y, w, h in pixels of the image, and class.
        size: height and width of the sample.
        mirrored: the axis across runs from the right.

    Returns:
        (T', 5): left, top, right and bottom in cells, and class.
    """
    half = rows[:, 2:4] / 2
    edges = np.concatenate([rows[:, :2] - half, rows[:, :2] + half, rows[:, 4:]], axis=1)
    near, pixels, first, cells, step = np.array([across, down] * 2).T
    inside = np.minimum(np.maximum(edges[:, :4], near), near + pixels)
    scale = cells / np.maximum(pixels, 1)
    edges[:, :4] = first + (inside - near) * scale + (edges[:, :4] - inside) / step
    if mirrored:
        edges[:, 0:3:2] = size[1] - edges[:, 2::-2]
    edges = clipped(edges, (0, 0, size[1], size[0]))
    kept: np.ndarray = edges[(edges[:, 2:4] - edges[:, :2]).min(axis=1, initial=2) >= 1]
    return kept


def clipped(edges: np.ndarray, frame: tuple[int, int, int, int]) -> np.ndarray:
    """Boxes cut at left, top, right and bottom of a frame."""
    np.maximum(edges[:, :4], frame[:2] * 2, out=edges[:, :4])
    np.minimum(edges[:, :4], frame[2:] * 2, out=edges[:, :4])
    return edges


def as_rows(edges: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Edges in cells as rows x, y, w, h in fractions of the sample, and class."""
    rows: np.ndarray = edges.copy()
    rows[:, :2] = (edges[:, :2] + edges[:, 2:4]) / 2
    rows[:, 2:4] -= edges[:, :2]
    rows[:, :4] /= size[::-1] * 2
    return rows
