"""One image in a training sample: a window on it is drawn, and its boxes are mapped into the sample."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from darknet_py.data.augment.base import Picture
from darknet_py.data.augment.colours import blurred, recoloured
from darknet_py.data.augment.edges import AxisMapping, along, edges_in
from darknet_py.data.augment.settings import AugmentSettings

MEAN_ROWS = 100  # that the mean colour is taken from, at least, where the image has so many


@dataclass(frozen=True)
class CropWindow:
    """A rectangle of the image in pixels, which may reach beyond it; it becomes the network's input."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class Piece:
    """A part of a sample, in its cells: the complete sample, or the part that a mosaic shows."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class View:
    """What is drawn of an image.

    Args:
        window: the part of the image that becomes a sample.
        size: height and width of the sample.
        piece: the part of the sample that is drawn.
        mirrored: the window is drawn from right to left.
    """

    window: CropWindow
    size: tuple[int, int]
    piece: Piece
    mirrored: bool


def render(
    picture: Picture, view: View, canvas: np.ndarray, rng: np.random.Generator, settings: AugmentSettings
) -> np.ndarray:
    """Draw a view of an image on a canvas of the size of its piece, with random colours, blur and noise.

    Returns:
        The boxes of the complete sample, as `edges_in` returns them.
    """
    (pixels, rows), window, piece, size = picture, view.window, view.piece, view.size
    drawn = replace(piece, left=size[1] - piece.left - piece.width) if view.mirrored else piece
    across = along(pixels.shape[1], window.left, window.width, size[1], drawn.left, drawn.width)
    down = along(pixels.shape[0], window.top, window.height, size[0], drawn.top, drawn.height)
    _draw(pixels, across, down, drawn, canvas)
    if view.mirrored:
        canvas[:] = cv2.flip(canvas, 1).reshape(canvas.shape)
    recoloured(canvas, rng, settings, canvas)
    edges = edges_in(across, down, rng.permutation(rows), size, mirrored=view.mirrored)[: settings.max]
    if settings.blur:
        canvas[:] = blurred(canvas, edges[:, :4] - (piece.left, piece.top) * 2, rng, settings.blur)
    if settings.gaussian_noise and rng.random() < 0.5:
        noise = rng.normal(0, settings.gaussian_noise, canvas.shape)
        canvas[:] = (canvas + noise).round().clip(0, 255)
    return edges


def random_window(
    image: tuple[int, int], rng: np.random.Generator, settings: AugmentSettings, size: tuple[int, int]
) -> CropWindow:
    """Each side moved by up to `jitter` of the image, and in or out by `resize`."""
    height, width = image
    dx, dy = int(width * settings.jitter), int(height * settings.jitter)
    left, right = rng.integers(-dx, dx, endpoint=True, size=2)
    top, bottom = rng.integers(-dy, dy, endpoint=True, size=2)
    near, far = _zooms(rng, settings.resize)
    left, top = left + int(width * near), top + int(height * near)
    right, bottom = right + int(width * far), bottom + int(height * far)
    wide, high = width - left - right, height - top - bottom
    if wide < 1 or high < 1:
        left, top, wide, high = 0, 0, width, height
    window = CropWindow(float(left), float(top), float(wide), float(high))
    return _letterboxed(window, image, size) if settings.letter_box else window


def _zooms(rng: np.random.Generator, resize: float) -> tuple[float, float]:
    """Fractions of the image by which two opposite corners move inwards."""
    if resize == 1:
        return 0.0, 0.0
    least = (1 - max(resize, 1 / resize)) / 2
    most = 0.0 if resize < 1 else (1 - 1 / resize) / 2
    near, far = rng.uniform(least, most, size=2)
    return float(near), float(far)


def _letterboxed(window: CropWindow, image: tuple[int, int], size: tuple[int, int]) -> CropWindow:
    """The window widened by what the image lacks to the aspect of the network's input; jitter still bends."""
    (height, width), aspect = image, size[1] / size[0]
    high, wide = max(0.0, width / aspect - height), max(0.0, height * aspect - width)
    return CropWindow(
        window.left - wide / 2, window.top - high / 2, window.width + wide, window.height + high
    )


def _draw(
    pixels: np.ndarray, across: AxisMapping, down: AxisMapping, piece: Piece, canvas: np.ndarray
) -> None:
    """Draw what the axes show, by bilinear interpolation, and the image's mean colour around it."""
    if (down.cells, across.cells) != canvas.shape[:2]:
        rows = pixels[:: max(1, len(pixels) // MEAN_ROWS)]
        columns = cv2.reduce(rows.reshape(len(rows), -1), 0, cv2.REDUCE_SUM, dtype=cv2.CV_32S)
        channels = pixels.shape[2]
        mean = columns.reshape(-1, channels).sum(axis=0, dtype=np.int64) / (rows.size // channels)
        canvas[:] = np.tile(np.rint(mean).astype(np.uint8), canvas.shape[1]).reshape(-1, channels)
    if not (down.cells and across.cells):
        return
    left, top = across.first - piece.left, down.first - piece.top
    inside = canvas[top : top + down.cells, left : left + across.cells]
    source = pixels[down.near : down.near + down.pixels, across.near : across.near + across.pixels]
    cv2.resize(source, (across.cells, down.cells), dst=inside)
