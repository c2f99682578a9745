"""Darknet's augmentation for detectors: a random window on the image, flips, colours, and mixtures of images.

From AlexeyAB's `load_data_detection`. Where it differs: hue wraps around (Darknet's 8-bit arithmetic clamps
it), no box is dropped for its place in a list, noise also darkens, and whether images are mixed is drawn for
each sample (Darknet: for all samples that a thread loads at once).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from darknet_py.data.augment.edges import as_rows
from darknet_py.data.augment.frame import Piece, random_window, rendered
from darknet_py.data.augment.mixing import blended, mosaic_of
from darknet_py.data.loader.collate import Augment, Picture
from darknet_py.layers.heads.head import Head
from darknet_py.layers.net import Net


@dataclass(frozen=True)
class Augmentation(Augment):
    """What may happen to an image; the words are the cfg's."""

    jitter: float = 0.0
    resize: float = 1.0
    flip: bool = False
    hue: float = 0.0
    saturation: float = 1.0
    exposure: float = 1.0
    letter_box: bool = False
    max: int = 200
    mosaic: bool = False
    mosaic_bound: bool = False
    mixup: bool = False
    blur: int = 0
    gaussian_noise: int = 0

    @property
    def mixes(self) -> bool:
        """Mosaics, or blends."""
        return self.mosaic or self.mixup

    def others(self, rng: np.random.Generator) -> int:
        """Every second time three for a mosaic, or one to blend."""
        if not self.mixes or rng.random() < 0.5:
            return 0
        return 3 if self.mosaic else 1

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
            return mosaic_of([(pixels, rows), *others], rng, self, size)
        first, *more = (augmented(*one, rng, self, size) for one in ((pixels, rows), *others))
        return blended(first, *more, most=self.max) if more else first

    @classmethod
    def of(cls, net: Net, head: Head) -> Augmentation:
        """As `[net]` and its last head say."""
        colours = {"hue": net.hue, "saturation": net.saturation, "exposure": net.exposure}
        frame = {"jitter": head.jitter, "resize": head.resize, "flip": net.flip, "letter_box": net.letter_box}
        mixtures = {"mosaic": net.mosaic, "mosaic_bound": net.mosaic_bound, "mixup": net.mixup == 1}
        spoilt = {"blur": net.blur, "gaussian_noise": net.gaussian_noise}
        return cls(**colours, **frame, **mixtures, **spoilt, max=head.max)


def augmented(
    pixels: np.ndarray, rows: np.ndarray, rng: np.random.Generator, how: Augmentation, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """One training sample.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        rows: (T, 5) boxes x, y, w, h (centre and size, in pixels of the image) and class.
        size: height and width of the result.

    Returns:
        (height, width, 3) uint8, and (T', 5) boxes as fractions of it, those that have left it dropped.
    """
    window = random_window(pixels.shape[:2], rng, how, size)
    mirrored = bool(how.flip and rng.random() < 0.5)
    canvas = np.empty((*size, 3), np.uint8)
    whole = Piece(0, 0, size[1], size[0])
    edges = rendered(pixels, rows, rng, how, size, window, mirrored=mirrored, piece=whole, canvas=canvas)
    return canvas, as_rows(edges, size)
