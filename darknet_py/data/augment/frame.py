"""One image in a training sample: the window on it, and what becomes of pixels and boxes in that window."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from darknet_py.data.augment.colours import blurred, recoloured
from darknet_py.data.augment.edges import Axis, along, edges_in

if TYPE_CHECKING:
    from darknet_py.data.augment.detection import Augmentation

MEAN_ROWS = 100  # at least, where the image has so many


@dataclass(frozen=True)
class Window:
    """A rectangle of the image in pixels, which may reach beyond it; it becomes the network's input."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class Piece:
    """A part of a sample, in cells of it: the whole sample, or what a mosaic takes of one."""

    left: int
    top: int
    width: int
    height: int


def rendered(
    pixels: np.ndarray,
    rows: np.ndarray,
    rng: np.random.Generator,
    how: Augmentation,
    size: tuple[int, int],
    window: Window,
    *,
    mirrored: bool,
    piece: Piece,
    canvas: np.ndarray,
) -> np.ndarray:
    """As `augmented`, of a window that is chosen.

    Args:
        piece: what of the sample is drawn.
        canvas: what it is drawn on, of its size.

    Returns:
        The boxes of all of the sample, as `edges_in` has them.
    """
    seen = replace(piece, left=size[1] - piece.left - piece.width) if mirrored else piece
    across = along(pixels.shape[1], window.left, window.width, size[1], seen.left, seen.width)
    down = along(pixels.shape[0], window.top, window.height, size[0], seen.top, seen.height)
    _draw(pixels, across, down, seen, canvas)
    if mirrored:
        canvas[:] = cv2.flip(canvas, 1)
    recoloured(canvas, rng, how, canvas)
    edges = edges_in(across, down, rng.permutation(rows), size, mirrored=mirrored)[: how.max]
    if how.blur:
        canvas[:] = blurred(canvas, edges[:, :4] - (piece.left, piece.top) * 2, rng, how.blur)
    if how.gaussian_noise and rng.random() < 0.5:
        noise = rng.normal(0, how.gaussian_noise, canvas.shape)
        canvas[:] = (canvas + noise).round().clip(0, 255)
    return edges


def random_window(
    image: tuple[int, int], rng: np.random.Generator, how: Augmentation, size: tuple[int, int]
) -> Window:
    """Each side moved by up to `jitter` of the image, and in or out by `resize`."""
    height, width = image
    dx, dy = int(width * how.jitter), int(height * how.jitter)
    left, right = rng.integers(-dx, dx, endpoint=True, size=2)
    top, bottom = rng.integers(-dy, dy, endpoint=True, size=2)
    near, far = _zooms(rng, how.resize)
    left, top = left + int(width * near), top + int(height * near)
    right, bottom = right + int(width * far), bottom + int(height * far)
    wide, high = width - left - right, height - top - bottom
    if wide < 1 or high < 1:
        left, top, wide, high = 0, 0, width, height
    window = Window(float(left), float(top), float(wide), float(high))
    return _letterboxed(window, image, size) if how.letter_box else window


def _zooms(rng: np.random.Generator, resize: float) -> tuple[float, float]:
    """Fractions of the image by which two opposite corners move inwards."""
    if resize == 1:
        return 0.0, 0.0
    least = (1 - max(resize, 1 / resize)) / 2
    most = 0.0 if resize < 1 else (1 - 1 / resize) / 2
    near, far = rng.uniform(least, most, size=2)
    return float(near), float(far)


def _letterboxed(window: Window, image: tuple[int, int], size: tuple[int, int]) -> Window:
    """The window widened by what the image lacks to the aspect of the network's input; jitter still bends."""
    (height, width), aspect = image, size[1] / size[0]
    high, wide = max(0.0, width / aspect - height), max(0.0, height * aspect - width)
    return Window(window.left - wide / 2, window.top - high / 2, window.width + wide, window.height + high)


def _draw(pixels: np.ndarray, across: Axis, down: Axis, piece: Piece, canvas: np.ndarray) -> None:
    """Draw what the axes show, by bilinear interpolation, and the image's mean colour around it."""
    if (down.cells, across.cells) != canvas.shape[:2]:
        canvas[:] = _mean(pixels, canvas.shape[1])
    if not (down.cells and across.cells):
        return
    left, top = across.first - piece.left, down.first - piece.top
    inside = canvas[top : top + down.cells, left : left + across.cells]
    source = pixels[down.near : down.near + down.pixels, across.near : across.near + across.pixels]
    cv2.resize(source, (across.cells, down.cells), dst=inside)


def _mean(pixels: np.ndarray, count: int) -> np.ndarray:
    """The mean colour of some hundred rows, `count` times; by sums of columns, for `cv2.mean` is slow."""
    rows = pixels[:: max(1, len(pixels) // MEAN_ROWS)]
    columns = cv2.reduce(rows.reshape(len(rows), -1), 0, cv2.REDUCE_SUM, dtype=cv2.CV_32S)
    mean = columns.reshape(-1, 3).sum(axis=0, dtype=np.int64) / (rows.size // 3)
    return np.tile(np.rint(mean).astype(np.uint8), count).reshape(-1, 3)
