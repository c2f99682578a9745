"""What paired runs share: the part of the variance between seeds that all variants have in common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FEWEST_SEEDS = 3  # from which a correlation over seeds says something
ROUGH_BELOW = 5  # seeds


@dataclass(frozen=True)
class SharedSeeds:
    """What it brings that the variants of a seed share order, augmentation and first weights.

    Args:
        seeds: that every variant has finished.
        correlation: between two variants over the seeds, the mean of all pairs; None with fewer than three
            seeds, or where a variant has the same score with each.
        shared: of the variance between seeds, the share that all variants have in common, 0..1.
    """

    seeds: int
    correlation: float | None
    shared: float

    def sentence(self) -> str:
        """In words."""
        text = "All variants of a seed share order, augmentation and, where layers match, first weights: over"
        text += (
            f" {self.seeds} seeds, {100 * self.shared:.0f} % of the variance between seeds is common to all"
        )
        if self.correlation is not None:
            text += f", and two variants correlate by {self.correlation:.2f}"
        return (
            text + "." + ("" if self.seeds >= ROUGH_BELOW else " From so few seeds that is a rough figure.")
        )


def pairing_of(values: np.ndarray) -> SharedSeeds | None:
    """What pairing brings, of a score of every variant (rows) and seed.

    The share is that of the variance components of seed and of variant by seed, from their mean squares.

    >>> pairing_of(np.array([[0.1, 0.2, 0.3], [0.2, 0.3, 0.4]]))
    SharedSeeds(seeds=3, correlation=1.0, shared=1.0)
    """
    variants, seeds = values.shape
    if variants < 2 or seeds < 2:
        return None
    rest = values - values.mean(axis=1, keepdims=True)
    common = rest.mean(axis=0)
    between = variants * float((common**2).sum()) / (seeds - 1)
    within = float(((rest - common) ** 2).sum()) / ((variants - 1) * (seeds - 1))
    whole = between + (variants - 1) * within
    if whole <= 0:
        return None
    shared = max(0.0, (between - within) / whole)
    sizes = np.sqrt((rest**2).sum(axis=1))
    correlation = None
    if seeds >= FEWEST_SEEDS and (sizes > 0).all():
        products = (rest / sizes[:, None]) @ (rest / sizes[:, None]).T
        correlation = round(float(products[np.triu_indices(variants, 1)].mean()), 6)
    return SharedSeeds(seeds, correlation, round(shared, 6))
