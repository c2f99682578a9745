"""Darknet's augmentation for classifiers: a random crop, turned, bent and mirrored, and colours.

From AlexeyAB's `random_augment_image`: the image is scaled so that its shorter side has `min_crop` to
`max_crop` pixels, rotated, and cut at a random place; pixels outside of the image are black.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from darknet_py.data.augment.base import Augment, Picture
from darknet_py.data.augment.class_mixing import cutmix, mixup, mosaic, unmixed
from darknet_py.data.augment.colours import factor, recoloured
from darknet_py.layers.net import Net


@dataclass(frozen=True)
class ClassifierAugmentation(Augment):
    """What may happen to a labelled image; the words are the cfg's."""

    min_crop: int
    max_crop: int
    angle: float = 0.0
    aspect: float = 1.0
    flip: bool = False
    hue: float = 0.0
    saturation: float = 1.0
    exposure: float = 1.0
    mosaic: bool = False
    cutmix: bool = False
    mixup: bool = False

    @classmethod
    def of(cls, net: Net) -> ClassifierAugmentation:
        """Read them from `[net]`."""
        return cls(
            min_crop=net.min_crop,
            max_crop=max(net.min_crop, net.max_crop),
            angle=net.angle,
            aspect=net.aspect,
            flip=net.flip,
            hue=net.hue,
            saturation=net.saturation,
            exposure=net.exposure,
            mosaic=net.mosaic,
            cutmix=net.cutmix,
            mixup=net.mixup == 1,
        )

    @property
    def mixes(self) -> bool:
        """Mosaics, parts pasted in, or blends."""
        return self.mosaic or self.cutmix or self.mixup

    def others(self, rng: np.random.Generator) -> int:
        """Every second time: three for a mosaic, one to paste in or to blend; by turns if both are set."""
        if not self.mixes or rng.random() < 0.5:
            return 0
        return 3 if self.mosaic and not (self.cutmix and rng.random() < 0.5) else 1

    def __call__(
        self,
        pixels: np.ndarray,
        rows: np.ndarray,
        rng: np.random.Generator,
        size: tuple[int, int],
        *others: Picture,
    ) -> Picture:
        """One training sample.

        Args:
            pixels: (H, W, C) uint8, RGB or grey.
            rows: (1, 5), the label last.
            size: height and width of the result.

        Returns:
            (height, width, C) uint8, and (T, 6): box, label, and its share of the truth, in all 1.
        """
        shares = [
            (self._cropped(image, rng, size), int(labels[0, 4]))
            for image, labels in ((pixels, rows), *others)
        ]
        if len(shares) == 1:
            return unmixed(*shares[0])
        if len(shares) == 4:
            return mosaic(shares, rng)
        first, second = shares
        return cutmix(first, second, rng) if self.cutmix else mixup(first, second)

    def _cropped(self, pixels: np.ndarray, rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
        matrix = self._matrix((pixels.shape[0], pixels.shape[1]), rng, size)
        image = pixels
        if pixels.shape[:2] != size or not np.array_equal(matrix, np.eye(2, 3)):
            flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
            image = cv2.warpAffine(pixels, matrix, size[::-1], flags=flags).reshape(*size, pixels.shape[2])
        if self.flip and rng.random() < 0.5:
            image = image[:, ::-1]
        return recoloured(np.ascontiguousarray(image), rng, self)

    def _matrix(self, image: tuple[int, int], rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
        """Where in the image each pixel (x, y, 1) of the result lies."""
        (high, wide), aspect = image, factor(rng, self.aspect)
        shorter = rng.integers(self.min_crop, self.max_crop, endpoint=True)
        scale = shorter / min(high, wide * aspect)
        turn = math.radians(rng.uniform(-self.angle, self.angle))
        spare_x = max(0.0, (wide * scale / aspect - size[1]) / 2)
        spare_y = max(0.0, (high * scale - size[0]) / 2)
        right, down = rng.uniform(-spare_x, spare_x), rng.uniform(-spare_y, spare_y)
        cos, sin = math.cos(turn), math.sin(turn)
        turned = np.array([[cos * aspect, -sin], [sin * aspect, cos]]) / scale
        middle = np.array([wide / 2, high / 2]) + turned @ (right - size[1] / 2, down - size[0] / 2)
        return np.concatenate([turned, middle[:, None]], axis=1)
