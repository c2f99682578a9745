"""The noise of a difference between two variants: between trainings, and over images.

Variants are what radiology calls tests, seeds readers, images cases. Seeds are nested in a variant, or, when
variants share order, draws and first weights of a seed, crossed with it. With S seeds:

    var(difference) = 2/S (MS + K),   K = S max(Cov2 - Cov3, 0),   df = (MS + K)^2 / (MS^2 / df(MS))

MS is the mean square between seeds (nested, V (S - 1) degrees of freedom) or of variant by seed (crossed,
(V - 1)(S - 1)). Covariances over images: Cov1 between two variants of one seed, Cov2 between two seeds of one
variant, Cov3 between two variants of two seeds; nested, Cov3 is the mean over all pairs of seeds. They are
those of the two variants alone, for some variants err on more different images than others.

MS + K is at least what images alone explain, by Cov1 to Cov3 and the variance over images. What exceeds MS
is an estimate from the n images, as K is, and not from a few seeds: both have n - 1 degrees of freedom.

With two seeds each, MS is small by luck so often that the df, which divide by its square, are too large. They
then take it (1 + 2/df(MS)) times, the factor by which E(MS^2) exceeds E(MS)^2.

Obuchowski and Rockette, "Hypothesis testing of diagnostic accuracy for multiple readers and multiple tests",
Communications in Statistics 24 (1995) 285; degrees of freedom: Hillis, "A comparison of denominator degrees
of freedom methods for multiple observer ROC analysis", Statistics in Medicine 26 (2007) 596.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from darknet_py.stats.quantiles import f_quantile

Doubles = npt.NDArray[np.float64]

LEAST_CROSSED_DF = 4  # (V - 1)(S - 1) from which seeds are treated as crossed: docs/statistics.md
FEW_SEEDS = 2  # with which the degrees of freedom take more than MS: docs/statistics.md
UNEQUAL = 0.95  # the quantile of F beyond which two variants are noisier than the others: docs/statistics.md


def is_crossed(variants: int, seeds: int, *, paired: bool) -> bool:
    """Whether seeds are treated as crossed with variants: by the size of the study, never by its values."""
    return paired and (variants - 1) * (seeds - 1) >= LEAST_CROSSED_DF


@dataclass(frozen=True)
class Study:
    """The figures of all runs.

    Args:
        values: (V, S).
        covariance: over images, (V, S, V, S).
        crossed: whether a seed is one and the same in all variants.
        images: how many; `inf` where the covariance is known.
    """

    values: Doubles
    covariance: Doubles
    crossed: bool
    images: float = math.inf

    def noise(self, variant: int, baseline: int) -> Noise:
        """The noise of the difference between two variants."""
        seeds = self.values.shape[1]
        if seeds == 1:
            pair = self.covariance[[variant, baseline], 0][:, [variant, baseline], 0]
            variance = float(pair[0, 0] + pair[1, 1] - pair[0, 1] - pair[1, 0])
            return Noise(variance, self.images - 1, False, Parts(0.0, 0.0, variance / 2))
        square, df, alone = self._mean_square(variant, baseline)
        images = _Images.of(self.covariance, variant, baseline)
        own, between = (
            (images.cov1 + images.cov2 - images.cov3, images.cov3)
            if self.crossed
            else (images.cov2, images.cov1 / seeds + images.cov3 * (1 - 1 / seeds))
        )
        shared = max(images.cov2 - between, 0.0)
        # Images alone make runs differ by this: two seeds that are equal by luck prove no less.
        least = max(images.variance - own, 0.0)
        whole = max(square, least) + seeds * shared
        df = combined_df(whole, square, df, seeds=seeds, of_images=self.images - 1)
        return Noise(2 / seeds * whole, df, alone, Parts(max(square - least, 0.0), least, shared))

    def _mean_square(self, variant: int, baseline: int) -> tuple[float, float, bool]:
        """The mean square of all variants, or of two that are noisier than the others, and its df."""
        variants, seeds = self.values.shape
        rest = self.values - self.values.mean(axis=1, keepdims=True)
        two = rest[[variant, baseline]]
        pair, pair_df = float((two**2).sum()), 2.0 * (seeds - 1)
        if self.crossed:
            rest = rest - rest.mean(axis=0)
            pair, pair_df = float(((two[0] - two[1]) ** 2).sum() / 2), float(seeds - 1)
        total, total_df = float((rest**2).sum()), float((variants - self.crossed) * (seeds - 1))
        others, others_df = total - pair, total_df - pair_df
        if others_df > 0:
            limit = f_quantile(UNEQUAL, pair_df, others_df)
            if pair / pair_df > limit * others / others_df:
                return pair / pair_df, pair_df, True
        return total / total_df, total_df, False


def combined_df(whole: float, square: float, df: float, *, seeds: int, of_images: float = math.inf) -> float:
    """The degrees of freedom of a sum of a mean square and of noise that is known from images.

    Args:
        whole, square: the sum, and the mean square between seeds in it.
        df, of_images: of `square`, and of the rest.
    """
    part, rest = square, whole - square
    if seeds == FEW_SEEDS:
        part *= 1 + 2 / df
    spread = part**2 / df + rest**2 / of_images
    return (part + rest) ** 2 / spread if spread > 0 else of_images


@dataclass(frozen=True)
class Parts:
    """Where the noise of a difference comes from, as variances of one run.

    Args:
        training: the seed, without what images explain.
        images_of_seed: which images a seed fails on; less with more images and with more seeds.
        images_of_variant: which images a variant fails on; less with more images alone.
    """

    training: float
    images_of_seed: float
    images_of_variant: float


@dataclass(frozen=True)
class Noise:
    """The noise of a difference.

    Args:
        variance: of the difference.
        df: its degrees of freedom.
        alone: whether it was estimated from the two variants alone, for they are noisier than the others.
        parts: where it comes from.
    """

    variance: float
    df: float
    alone: bool
    parts: Parts


@dataclass(frozen=True)
class _Images:
    """Means of the covariance over images, of two variants."""

    variance: float
    cov1: float
    cov2: float
    cov3: float

    @classmethod
    def of(cls, covariance: Doubles, variant: int, baseline: int) -> _Images:
        seeds = covariance.shape[1]
        same = np.eye(seeds, dtype=bool)
        own = (covariance[variant, :, variant] + covariance[baseline, :, baseline]) / 2
        other = covariance[variant, :, baseline]
        parts = own[same], other[same], own[~same], other[~same]
        return cls(*(float(part.mean()) for part in parts))
