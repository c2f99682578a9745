"""The images that the verdicts of a comparison rest on, and what becomes of an effect without them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from darknet_py.scoring.matches import Matches
from darknet_py.scoring.tables import Doubles, Ints
from darknet_py.stats.covariance import ImageCovariance
from darknet_py.stats.evidence import (
    ChosenImages,
    choose_images,
    means_without,
    nearest_seed,
    scores_without,
)

Stored = list[Matches] | np.ndarray  # what became of each image in each run; of classifiers (runs, n)


@dataclass(frozen=True)
class Evidence:
    """How much each image moves the scores.

    Args:
        moved: the influence of each image on the score of each run, (V, S, n).
        image_ids: of the images, of classifiers their positions.
        seeds: of the runs.
        chosen: images worth a look, by position.
        without: the effect of each variant without the images that carry half of it; None where there are
            no such images, or no truth in the others.
    """

    moved: Doubles
    image_ids: Ints
    seeds: tuple[int, ...]
    chosen: ChosenImages
    without: tuple[float | None, ...]

    @classmethod
    def of(cls, noise: ImageCovariance, values: Doubles, stored: Stored, seeds: Sequence[int]) -> Evidence:
        """Choose images, and score the runs without them; `values` are those of all runs, (V, S)."""
        moved = noise.influences().reshape(*values.shape, -1)
        chosen = choose_images(moved.mean(axis=1), values.mean(axis=1).tolist())
        score = means_without if isinstance(stored, np.ndarray) else scores_without
        left = score(stored, chosen.deciding).reshape(*values.shape, -1).mean(axis=1)  # type: ignore[arg-type]
        without = [
            float(left[at + 1, at] - left[0, at]) if images else None
            for at, images in enumerate(chosen.deciding)
        ]
        finite = (one if one is not None and np.isfinite(one) else None for one in without)
        return cls(moved, noise.image_ids, tuple(seeds), chosen, tuple(finite))

    def ids(self, images: Sequence[int]) -> tuple[int, ...]:
        """The ids of images by their positions."""
        return tuple(self.image_ids[list(images)].tolist())

    def pull(self, image: int, variant: int) -> float:
        """How much the image moves the effect of a variant: without it, the effect would be less by this."""
        return float((self.moved[variant, :, image] - self.moved[0, :, image]).mean())

    def typical_seed(self, image: int, variant: int) -> int:
        """The seed that shows best how an image moves the effect of a variant."""
        return self.seeds[nearest_seed(self.moved[variant, :, image] - self.moved[0, :, image])]
