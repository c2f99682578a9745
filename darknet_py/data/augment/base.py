"""What every augmentation offers to the loader."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

# (H, W, C) uint8, RGB or grey, and truth rows (T, 5): x, y, w, h (centre and size, pixels) and class.
Picture = tuple[np.ndarray, np.ndarray]


class Augment(ABC):
    """Makes one training sample of an image, or of several."""

    @property
    @abstractmethod
    def mixes(self) -> bool:
        """Whether any sample is made of several images."""

    @abstractmethod
    def others(self, rng: np.random.Generator) -> int:
        """Draw how many other images this sample is made of."""

    @abstractmethod
    def __call__(
        self,
        pixels: np.ndarray,
        rows: np.ndarray,
        rng: np.random.Generator,
        size: tuple[int, int],
        *others: Picture,
    ) -> Picture:
        """Return the sample, (height, width, C), and its rows as fractions of it."""
