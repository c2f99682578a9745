"""Which images a comparison rests on, from how much each image moves each score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from darknet_py.scoring.matches import Matches
from darknet_py.scoring.tables import Doubles
from darknet_py.scoring.weighted import weighted_ap
from darknet_py.stats.covariance import deciding_images

MOST_DECIDING = 6  # pictures of one variant
MOST_DISAGREEING = 8


@dataclass(frozen=True)
class ChosenImages:
    """Images that are worth a look, by position, the most important first.

    Args:
        deciding: of each variant but the baseline, those that carry half of its effect.
        disagreeing: those that move the scores of the variants apart most.
    """

    deciding: tuple[tuple[int, ...], ...]
    disagreeing: tuple[int, ...]

    @property
    def pictures(self) -> tuple[int, ...]:
        """Those of which pictures are shown, each once."""
        first = [one[:MOST_DECIDING] for one in self.deciding]
        return tuple(dict.fromkeys(at for part in (*first, self.disagreeing) for at in part))


def choose_images(moved: Doubles, scores: Sequence[float]) -> ChosenImages:
    """Choose from the influence of each image on the score of each variant, a mean over seeds.

    >>> choose_images(np.array([[0.0, 0.0, 0.0], [0.3, -0.2, -0.1]]), [0.4, 0.5]).deciding
    ((0,),)

    Args:
        moved: (V, n); the baseline is the first.
        scores: of each variant.
    """
    distance = moved.max(axis=0) - moved.min(axis=0)
    order = np.argsort(-distance, kind="stable")[:MOST_DISAGREEING]
    return ChosenImages(
        tuple(deciding_images(moved[at] - moved[0], scores[at] - scores[0]) for at in range(1, len(moved))),
        tuple(int(at) for at in order if distance[at] > 0),
    )


def nearest_seed(differences: Doubles) -> int:
    """The seed in which an image moves two scores apart by about as much as on average.

    Args:
        differences: of each seed, (S,).
    """
    return int(np.argmin(np.abs(differences - differences.mean())))


def scores_without(runs: Sequence[Matches], left_out: Sequence[Sequence[int]]) -> Doubles:
    """AP of each run without some images, for each choice of these, (runs, choices); NaN without a truth.

    Args:
        left_out: positions of images.
    """
    weights = np.ones((len(runs[0].image_ids), len(left_out)), np.int32)
    for column, images in enumerate(left_out):
        weights[list(images), column] = 0
    scores: Doubles = np.array([weighted_ap(one, weights) for one in runs])
    return scores


def means_without(scores: Doubles, left_out: Sequence[Sequence[int]]) -> Doubles:
    """The same of scores that are means over images.

    Args:
        scores: of each run and image, (runs, n).
    """
    means: Doubles = np.empty((len(scores), len(left_out)))
    for column, images in enumerate(left_out):
        kept = np.delete(scores, list(images), axis=1)
        means[:, column] = kept.mean(axis=1) if kept.shape[1] else np.nan
    return means
