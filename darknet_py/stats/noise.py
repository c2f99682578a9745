"""The noise of a kind of training on some data, as earlier studies have shown it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from darknet_py.stats.components import Doubles, Parts, Study, is_crossed
from darknet_py.stats.planning import StudySize, visible_effect


@dataclass(frozen=True)
class NoiseComponents:
    """Variances of one run, for both ways of treating seeds.

    Args:
        nested, crossed: with seeds nested in variants, and crossed with them.
        df: of the mean square between seeds, nested.
        images: that the variances over images are of.
    """

    nested: Parts
    crossed: Parts
    df: float
    images: int

    @classmethod
    def of(cls, values: Doubles, covariance: Doubles, images: int) -> NoiseComponents | None:
        """Those of a study, (V, S) and (V, S, V, S); None: it needs two variants and two seeds."""
        variants, seeds = values.shape
        if variants < 2 or seeds < 2:
            return None
        nested, crossed = (Study(values, covariance, crossed) for crossed in (False, True))
        rows = range(1, variants)
        return cls(
            _mean([nested.noise(row, 0).parts for row in rows], None),
            _mean([crossed.noise(row, 0).parts for row in rows], None),
            df=float(variants * (seeds - 1)),
            images=images,
        )

    @property
    def deviation(self) -> float:
        """Between trainings of one variant on the same images."""
        return math.sqrt(self.nested.training + self.nested.images_of_seed)

    def visible(self, variants: int, seeds: int, images: int) -> float:
        """The smallest effect that 80 % of the studies of this size would see."""
        parts = self.crossed if is_crossed(variants, seeds, paired=True) else self.nested
        return visible_effect(parts, StudySize(variants, seeds, images / self.images))


# Between trainings 1 AP on 300 images, half of its variance from the images; variants differ by 0.5 AP in the
# images that they fail on: small data sets as in docs/statistics.md.
DEFAULT_NOISE = NoiseComponents(
    Parts(0.5e-4, 0.5e-4, 0.25e-4), Parts(0.5e-4, 0.5e-4, 0.25e-4), df=math.inf, images=300
)


def pooled(studies: Sequence[NoiseComponents]) -> NoiseComponents:
    """The mean of several studies, by their degrees of freedom, on as many images as the last one has."""
    images = studies[-1].images
    weights = np.array([one.df for one in studies])
    scaled = [
        (_scaled(one.nested, one.images / images), _scaled(one.crossed, one.images / images))
        for one in studies
    ]
    nested, crossed = zip(*scaled, strict=True)
    return NoiseComponents(_mean(nested, weights), _mean(crossed, weights), float(weights.sum()), images)


def _scaled(parts: Parts, factor: float) -> Parts:
    return Parts(parts.training, parts.images_of_seed * factor, parts.images_of_variant * factor)


def _mean(parts: Sequence[Parts], weights: Doubles | None) -> Parts:
    table = [(one.training, one.images_of_seed, one.images_of_variant) for one in parts]
    return Parts(*np.average(table, axis=0, weights=weights).tolist())
