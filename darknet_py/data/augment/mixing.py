"""Several images in one training sample: Darknet's mosaic of four, and mixup of two."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from darknet_py.data.augment.base import Picture
from darknet_py.data.augment.edges import as_rows, clipped
from darknet_py.data.augment.frame import CropWindow, Piece, View, random_window, render
from darknet_py.data.augment.settings import AugmentSettings


def mosaic_of(
    pictures: Sequence[Picture], rng: np.random.Generator, settings: AugmentSettings, size: tuple[int, int]
) -> Picture:
    """Four images around a random point, top left, top right, bottom left and bottom right of it.

    Each is augmented as for the full size, and a corner piece of that is drawn: nothing is made smaller. From
    AlexeyAB's `blend_truth_mosaic`. A box may reach under the next image, as there, unless `mosaic_bound`.

    Args:
        pictures: four, each with rows in pixels of itself.

    Returns: (height, width, C) uint8, and (T, 5) boxes as fractions of it.
    """
    height, width = size
    cut = [int(rng.integers(int(0.2 * side), int(0.8 * side), endpoint=True)) for side in (width, height)]
    canvas = np.empty((height, width, pictures[0][0].shape[2]), np.uint8)
    found = [
        _draw_quadrant(picture, (quadrant % 2, quadrant // 2), cut, canvas, rng, settings)
        for quadrant, picture in enumerate(pictures)
    ]
    edges = clipped(np.concatenate(found), (0, 0, width, height))
    visible = edges[(edges[:, 2:4] - edges[:, :2]).min(axis=1, initial=2) > 1]
    return canvas, as_rows(visible[: settings.max], size)


def blended(one: Picture, other: Picture, *, most: int) -> Picture:
    """Half of each of two samples, with the boxes of both."""
    image = (one[0].astype(np.uint16) + other[0] + 1) // 2
    return image.astype(np.uint8), np.concatenate([one[1], other[1]])[:most]


def _draw_quadrant(
    picture: Picture,
    corner: tuple[int, int],
    cut: Sequence[int],
    canvas: np.ndarray,
    rng: np.random.Generator,
    settings: AugmentSettings,
) -> np.ndarray:
    """Draw one image of a mosaic, and return its edges in cells of the mosaic.

    Args:
        corner: 0, 0 is top left.
        cut: column and row where the images meet.
    """
    pixels, size = picture[0], (canvas.shape[0], canvas.shape[1])
    high, wide = pixels.shape[0], pixels.shape[1]
    window = random_window((high, wide), rng, settings, size)
    mirrored = bool(settings.flip and rng.random() < 0.5)
    if rng.random() < 0.5:  # move the window to the corner of the image
        left = wide - window.width if corner[0] != mirrored else 0.0
        top = high - window.height if corner[1] else 0.0
        window = CropWindow(left, top, window.width, window.height)
    across = _outside(window.left, window.width, wide, size[1])
    down = _outside(window.top, window.height, high, size[0])
    to_x, from_x, wide = _span(size[1], cut[0], corner[0], across[::-1] if mirrored else across)
    to_y, from_y, high = _span(size[0], cut[1], corner[1], down)
    if not (wide and high):  # an input of a few pixels
        return np.empty((0, 5))
    view = View(window, size, Piece(from_x, from_y, wide, high), mirrored)
    part = canvas[to_y : to_y + high, to_x : to_x + wide]
    edges = render(picture, view, part, rng, settings)
    edges[:, :4] += (to_x - from_x, to_y - from_y) * 2
    return clipped(edges, (to_x, to_y, to_x + wide, to_y + high)) if settings.mosaic_bound else edges


def _outside(start: float, length: float, image: int, side: int) -> tuple[int, int]:
    """Cells of a side that lie before and after the image."""
    before, behind = max(0.0, -start), max(0.0, start + length - image)
    return int(before * side / image), int(behind * side / image)


def _span(side: int, cut: int, later: int, margins: tuple[int, int]) -> tuple[int, int, int]:
    """Along one axis: where a piece goes, where it is taken from, and its length; margins are left out."""
    before, after = margins
    if later:
        return cut, min(cut, before), side - cut
    return 0, side - cut - min(side - cut, after), cut
