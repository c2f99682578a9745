"""One image in a training sample: the window on it, and what becomes of pixels and boxes in that window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

from darknet_py.data.collate import Picture

if TYPE_CHECKING:
    from darknet_py.data.augment import Augmentation


class Colours(Protocol):
    """The ranges of random colours, as `[net]` names them."""

    @property
    def hue(self) -> float:
        """Range of the random shift of hue."""
        ...

    @property
    def saturation(self) -> float:
        """Range of the random factor of saturation."""
        ...

    @property
    def exposure(self) -> float:
        """Range of the random factor of brightness."""
        ...


@dataclass(frozen=True)
class Window:
    """A rectangle of the image in pixels, which may reach beyond it; it becomes the network's input."""

    left: float
    top: float
    width: float
    height: float


def rendered(
    pixels: np.ndarray,
    rows: np.ndarray,
    rng: np.random.Generator,
    how: Augmentation,
    size: tuple[int, int],
    window: Window,
    *,
    mirrored: bool,
) -> Picture:
    """As `augmented`, of a window that is chosen."""
    image = _seen_through(pixels, window, size, mirrored=mirrored)
    image = recoloured(image, rng, how)
    boxes = boxes_in(window, rng.permutation(rows), size, mirrored=mirrored)[: how.max]
    if how.blur:
        image = blurred(image, boxes, rng, how.blur)
    if how.gaussian_noise and rng.random() < 0.5:
        noise = rng.normal(0, how.gaussian_noise, image.shape)
        image = (image + noise).round().clip(0, 255).astype(np.uint8)
    return image, boxes


def blurred(image: np.ndarray, boxes: np.ndarray, rng: np.random.Generator, blur: int) -> np.ndarray:
    """One time of three what is around the boxes, one time all of it, by `blur` and less than small boxes."""
    kind, (height, width) = rng.integers(3), image.shape[:2]
    if kind == 1:
        soft = cv2.GaussianBlur(image, (17, 17), 0)
        for x, y, w, h in boxes[:, :4] * (width, height, width, height):
            inside = (
                slice(int(y - h / 2), int(np.ceil(y + h / 2))),
                slice(int(x - w / 2), int(np.ceil(x + w / 2))),
            )
            soft[inside] = image[inside]
        return soft
    least = (boxes[:, 2:4] * (width, height)).min(initial=8 * blur) / 8
    side = int(min(blur, least)) // 2 * 2 + 1
    return cv2.GaussianBlur(image, (side, side), 0) if kind == 2 and side > 1 else image


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


def _seen_through(pixels: np.ndarray, window: Window, size: tuple[int, int], *, mirrored: bool) -> np.ndarray:
    """The window resized to `size` by bilinear interpolation; the image's mean colour outside of it."""
    height, width = size
    step_x, step_y = window.width / width, window.height / height
    start_x, start_y = window.left + 0.5 * step_x - 0.5, window.top + 0.5 * step_y - 0.5
    if mirrored:
        start_x, step_x = start_x + (width - 1) * step_x, -step_x
    matrix = np.array([[step_x, 0, start_x], [0, step_y, start_y]])
    mean = tuple(float(v) for v in cv2.mean(pixels)[:3])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(
        pixels, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=mean
    )


def recoloured(image: np.ndarray, rng: np.random.Generator, how: Colours) -> np.ndarray:
    """Saturation and brightness by a random factor, hue by a random shift, on 8-bit HSV."""
    shift = rng.uniform(-how.hue, how.hue)
    saturation, exposure = factor(rng, how.saturation), factor(rng, how.exposure)
    if shift == 0 and saturation == exposure == 1:
        return image
    levels = np.arange(256)
    hues = ((levels + round(180 * shift)) % 180).astype(np.uint8)
    tables = [hues, *(np.clip(levels * f, 0, 255).astype(np.uint8) for f in (saturation, exposure))]
    hsv = cv2.LUT(cv2.cvtColor(image, cv2.COLOR_RGB2HSV), np.stack(tables, axis=-1).reshape(1, 256, 3))
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)


def factor(rng: np.random.Generator, most: float) -> float:
    """Between 1 / most and most, as often above 1 as below; `most` may itself be below 1, as `aspect=.75`."""
    factor, inverted = rng.uniform(min(1.0, most), max(1.0, most)), rng.random() < 0.5
    return float(1 / factor if inverted else factor)


def boxes_in(
    window: Window, rows: np.ndarray, size: tuple[int, int], *, mirrored: bool = False
) -> np.ndarray:
    """Boxes as fractions of the window, cut at its edges; those smaller than a pixel are dropped.

    Args:
        rows: (T, 5) x, y, w, h in pixels of the image, and class.
    """
    low = (rows[:, :2] - rows[:, 2:4] / 2 - (window.left, window.top)) / (window.width, window.height)
    high = (rows[:, :2] + rows[:, 2:4] / 2 - (window.left, window.top)) / (window.width, window.height)
    if mirrored:
        low[:, 0], high[:, 0] = 1 - high[:, 0], 1 - low[:, 0]
    low, high = low.clip(0, 1), high.clip(0, 1)
    found = np.concatenate([(low + high) / 2, high - low, rows[:, 4:]], axis=1)
    return found[(found[:, 2] >= 1 / size[1]) & (found[:, 3] >= 1 / size[0])]
