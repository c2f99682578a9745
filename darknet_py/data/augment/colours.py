"""Random colours and blur of a sample."""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np


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


def recoloured(
    image: np.ndarray, rng: np.random.Generator, settings: Colours, out: np.ndarray | None = None
) -> np.ndarray:
    """Saturation and brightness by a random factor, hue by a random shift, on 8-bit HSV; of grey, brightness.

    Args:
        image: (H, W, C) uint8, RGB or grey.
        out: where the result is put, else into an array of its own; it may be `image`.
    """
    shift = rng.uniform(-settings.hue, settings.hue)
    saturation, exposure = factor(rng, settings.saturation), factor(rng, settings.exposure)
    if shift == 0 and saturation == exposure == 1:
        return image
    if image.shape[2] == 1:
        return cv2.convertScaleAbs(image, dst=out, alpha=exposure).reshape(image.shape)
    hues, *others = cv2.split(cv2.cvtColor(image, cv2.COLOR_RGB2HSV))
    hues = cv2.LUT(hues, ((np.arange(256) + round(180 * shift)) % 180).astype(np.uint8))
    pairs = zip(others, (saturation, exposure), strict=True)
    scaled = (cv2.convertScaleAbs(channel, alpha=factor) for channel, factor in pairs)
    return cv2.cvtColor(cv2.merge([hues, *scaled]), cv2.COLOR_HSV2RGB, dst=out)


def factor(rng: np.random.Generator, most: float) -> float:
    """Between 1 / most and most, as often above 1 as below; `most` may itself be below 1, as `aspect=.75`."""
    factor, inverted = rng.uniform(min(1.0, most), max(1.0, most)), rng.random() < 0.5
    return float(1 / factor if inverted else factor)


def blurred(image: np.ndarray, edges: np.ndarray, rng: np.random.Generator, blur: int) -> np.ndarray:
    """One time of three what is around the boxes, one time all of it, by `blur` and less than small boxes."""
    kind = rng.integers(3)
    if kind == 1:
        soft = cv2.GaussianBlur(image, (17, 17), 0).reshape(image.shape)
        for left, top, right, bottom in np.maximum(edges, 0):
            inside = slice(int(top), int(np.ceil(bottom))), slice(int(left), int(np.ceil(right)))
            soft[inside] = image[inside]
        return soft
    least = (edges[:, 2:] - edges[:, :2]).min(initial=8 * blur) / 8
    side = int(min(blur, least)) // 2 * 2 + 1
    return cv2.GaussianBlur(image, (side, side), 0).reshape(image.shape) if kind == 2 and side > 1 else image
