"""Covariances over images of the scores of several runs: what another draw of images would change.

With images enough in each class, from the derivative of AP by the weight of each image; else by the
bootstrap, with all runs on the same draws. Efron and Tibshirani, "An introduction to the bootstrap", 1993.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from darknet_py.errors import DataError
from darknet_py.scoring.influence import images_per_class, influences
from darknet_py.scoring.matches import Matches
from darknet_py.scoring.tables import Doubles, Ints
from darknet_py.scoring.weighted import weighted_ap

RESAMPLES, SEED = 1000, 0
ENOUGH_IMAGES = 20  # of a class, for derivatives
FEW_IMAGES = 10  # of a class, for either
MANY_CLASSES = 0.25  # the share of classes with few images from which there is a warning

Method = Literal["influence", "bootstrap", "mean"]


@dataclass(frozen=True)
class ImageCovariance:
    """The noise of scores that comes from the choice of images.

    Args:
        values: the score of each run, (runs,).
        covariance: over images, (runs, runs).
        image_ids: of the images; of means their positions.
        method: how the covariance was estimated; "mean": the score is a mean over images.
        warnings: why it may be wrong.
        influences: of each image on each score, (runs, n): computed when it is first called.
    """

    values: Doubles
    covariance: Doubles
    image_ids: Ints
    method: Method
    warnings: tuple[str, ...]
    influences: Callable[[], Doubles]


def covariance_of_matches(
    runs: Sequence[Matches], figure: str = "ap", *, method: Method | None = None
) -> ImageCovariance:
    """The covariance of a figure of AP of several runs on the same images.

    Args:
        method: "influence" or "bootstrap"; None decides by the images of each class alone.

    Raises: DataError: when the runs have other images or truths than the first.
    """
    _check_same_truth(runs)
    count = len(runs[0].image_ids)
    per_class = images_per_class(runs[0])
    chosen = method or choose_method(per_class)
    ones = np.ones((count, 1), np.int32)
    values = np.array([weighted_ap(one, ones, figure)[0] for one in runs])
    moved = cache(lambda: np.array([influences(one, figure) for one in runs]))
    if chosen == "influence":
        covariance = moved() @ moved().T * (count / max(count - 1, 1))
    else:
        covariance = bootstrap_covariance(runs, figure)
    return ImageCovariance(values, covariance, runs[0].image_ids, chosen, _warnings(per_class), moved)


def covariance_of_means(scores: npt.ArrayLike) -> ImageCovariance:
    """The covariance of scores that are means over images, such as top-1.

    Args:
        scores: of each run and image, (runs, n).
    """
    each = np.asarray(scores, float)
    moved = (each - each.mean(axis=1, keepdims=True)) / each.shape[1]
    covariance = moved @ moved.T * (each.shape[1] / max(each.shape[1] - 1, 1))
    images = np.arange(each.shape[1])
    return ImageCovariance(each.mean(axis=1), covariance, images, "mean", (), lambda: moved)


def choose_method(per_class: Ints) -> Method:
    """ "influence" where most classes have images enough.

    Args:
        per_class: images with each class, (K,).
    """
    present = per_class[per_class > 0]
    return "influence" if len(present) and np.median(present) >= ENOUGH_IMAGES else "bootstrap"


def bootstrap_covariance(
    runs: Sequence[Matches], figure: str = "ap", *, resamples: int = RESAMPLES, seed: int = SEED
) -> Doubles:
    """The covariance of a figure over resamples of the images, all runs on the same ones."""
    draws = resample_counts(len(runs[0].image_ids), resamples, seed)
    with ThreadPoolExecutor(min(len(runs), os.cpu_count() or 1)) as threads:
        values = np.array(list(threads.map(lambda one: weighted_ap(one, draws, figure), runs)))
    return np.atleast_2d(np.cov(values[:, ~np.isnan(values).any(axis=0)]))


def resample_counts(images: int, resamples: int, seed: int = SEED) -> npt.NDArray[np.int32]:
    """How often each image is drawn, (n, resamples); the same in every version of numpy."""
    generator = np.random.RandomState(seed)
    counts = np.empty((images, resamples), np.int32)
    for at in range(resamples):
        counts[:, at] = np.bincount(generator.randint(images, size=images), minlength=images)
    return counts


def deciding_images(influences: Doubles, effect: float) -> tuple[int, ...]:
    """The fewest images without which half of an effect would be left, by their influences on it.

    >>> deciding_images(np.array([0.01, 0.3, -0.35, 0.04]), 0.5)
    (1,)

    Args:
        influences: of each image on the difference between two variants, (n,).
    """
    towards = influences * np.sign(effect)
    order = np.argsort(-towards, kind="stable")
    reached = np.cumsum(towards[order])
    enough = np.flatnonzero(reached >= abs(effect) / 2)
    return tuple(order[: int(enough[0]) + 1].tolist()) if effect and len(enough) else ()


def _warnings(per_class: Ints) -> tuple[str, ...]:
    present = per_class[per_class > 0]
    few = int((present < FEW_IMAGES).sum())
    if few <= MANY_CLASSES * len(present):
        return ()
    text = f"{few} of {len(present)} classes have fewer than {FEW_IMAGES} images:"
    return (f"{text} the noise of the images is underestimated, and intervals are too narrow",)


def _check_same_truth(runs: Sequence[Matches]) -> None:
    names = ("image_ids", "truth_images", "truth_labels", "truth_areas")  # ids of classes may differ
    for number, one in enumerate(runs[1:], start=1):
        for name in names:
            if not np.array_equal(getattr(one, name), getattr(runs[0], name)):
                message = f"the matches of run {number} have other {name} than those of run 0"
                raise DataError(message, hint="evaluate all runs on the same data")
