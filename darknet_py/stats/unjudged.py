"""Effects on figures that are not judged: AP50, sizes and classes, each with an interval of its own.

The intervals hold for all variants of one figure, not for all figures: among many, some exclude 0 by chance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from darknet_py.scoring.influence import class_influences, images_per_class, influences
from darknet_py.scoring.matches import Matches
from darknet_py.scoring.tables import Doubles
from darknet_py.scoring.weighted import weighted_ap, weighted_class_ap
from darknet_py.stats.covariance import ENOUGH_IMAGES
from darknet_py.stats.judging import Verdict, verdict


@dataclass(frozen=True)
class UnjudgedFigure:
    """A figure, and what a study says about every variant in it.

    Args:
        name: a key of `FIGURE_CELLS`; of a class its number.
        results: one for each variant but the baseline; none where a single image has a truth.
        images: with such a truth; of a mean over classes the median of the classes.
    """

    name: str | int
    results: tuple[Verdict, ...]
    images: int

    @property
    def few_images(self) -> bool:
        """Whether intervals are too narrow, as derivatives understate the noise of few images."""
        return self.images < ENOUGH_IMAGES


def unjudged_figures(
    runs: Sequence[Matches], variants: int, figures: Sequence[str]
) -> Iterator[UnjudgedFigure]:
    """Means over classes.

    Args:
        runs: variant by variant, the baseline first.
    """
    ones = np.ones((len(runs[0].image_ids), 1), np.int32)
    for figure in figures:
        per_class = images_per_class(runs[0], figure)
        present = per_class[per_class > 0]
        if len(present):
            values = np.array([weighted_ap(one, ones, figure)[0] for one in runs])
            moved = np.array([influences(one, figure) for one in runs])
            images = int(np.median(present))
            yield UnjudgedFigure(figure, _judge(values, moved, variants, images), images)


def unjudged_classes(runs: Sequence[Matches], variants: int) -> Iterator[UnjudgedFigure]:
    """AP of each class with a truth."""
    ones = np.ones((len(runs[0].image_ids), 1), np.int32)
    values = np.array([weighted_class_ap(one, ones)[:, 0] for one in runs])
    for parts in zip(*map(class_influences, runs), strict=True):
        k, _, images = parts[0]
        moved = np.array([one for _, one, _ in parts])
        yield UnjudgedFigure(k, _judge(values[:, k], moved, variants, images), images)


def _judge(values: Doubles, moved: Doubles, variants: int, images: int) -> tuple[Verdict, ...]:
    if images < 2:
        return ()
    count = moved.shape[1]
    covariance = moved @ moved.T * (count / max(count - 1, 1))
    return verdict(values.reshape(variants, -1), covariance, images=images)
