"""Darknet's augmentation for detectors: a random window on the image, flips, colours, and mixtures of images.

From AlexeyAB's `load_data_detection`. Where it differs: hue wraps around (Darknet's 8-bit arithmetic clamps
it), no box is dropped for its place in a list, noise also darkens, and whether images are mixed is drawn for
each sample (Darknet: for all samples that a thread loads at once).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from darknet_py.data.augment.base import Augment, Picture
from darknet_py.data.augment.edges import as_rows
from darknet_py.data.augment.frame import Piece, View, random_window, render
from darknet_py.data.augment.mixing import blended, mosaic_of
from darknet_py.data.augment.settings import AugmentSettings
from darknet_py.layers.heads.head import Head
from darknet_py.layers.net import Net


@dataclass(frozen=True)
class Augmentation(Augment):
    """Augments images of a detector."""

    settings: AugmentSettings = field(default_factory=AugmentSettings)

    @classmethod
    def of(cls, net: Net, head: Head) -> Augmentation:
        """Read the settings from `[net]` and the last head."""
        return cls(AugmentSettings.of(net, head))

    @property
    def mixes(self) -> bool:
        """Whether there are mosaics or blends."""
        return self.settings.mosaic or self.settings.mixup

    def others(self, rng: np.random.Generator) -> int:
        """For every second sample, three images for a mosaic, or one to blend."""
        if not self.mixes or rng.random() < 0.5:
            return 0
        return 3 if self.settings.mosaic else 1

    def __call__(
        self,
        pixels: np.ndarray,
        rows: np.ndarray,
        rng: np.random.Generator,
        size: tuple[int, int],
        *others: Picture,
    ) -> Picture:
        """One training sample; see `augmented` and `mosaic_of`."""
        if len(others) == 3:
            return mosaic_of([(pixels, rows), *others], rng, self.settings, size)
        pictures = ((pixels, rows), *others)
        first, *more = (augmented(*picture, rng, self.settings, size) for picture in pictures)
        return blended(first, *more, most=self.settings.max) if more else first


def augmented(
    pixels: np.ndarray,
    rows: np.ndarray,
    rng: np.random.Generator,
    settings: AugmentSettings,
    size: tuple[int, int],
) -> Picture:
    """One training sample.

    Args:
        pixels: (H, W, C) uint8, RGB or grey.
        rows: (T, 5) boxes x, y, w, h (centre and size, in pixels of the image) and class.
        size: height and width of the result.

    Returns:
        (height, width, C) uint8, and (T', 5) boxes as fractions of it; boxes that have left it are dropped.
    """
    window = random_window((pixels.shape[0], pixels.shape[1]), rng, settings, size)
    mirrored = bool(settings.flip and rng.random() < 0.5)
    canvas = np.empty((*size, pixels.shape[2]), np.uint8)
    view = View(window, size, Piece(0, 0, size[1], size[0]), mirrored)
    edges = render((pixels, rows), view, canvas, rng, settings)
    return canvas, as_rows(edges, size)
