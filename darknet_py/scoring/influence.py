"""How much each image moves AP: the derivative by its weight (the infinitesimal jackknife).

Of a class, AP is taken as the sum over true detections of the greatest precision there or behind, over the
truths. A detection changes the precision of every true one behind it; sums over these are cumulated from the
end, so that one pass over the detections gives all derivatives. They add up to 0: AP does not change when
every image counts twice.

Jaeckel, "The infinitesimal jackknife", Bell Laboratories memorandum 72-1215-11, 1972; Efron and Stein,
"The jackknife estimate of variance", Annals of Statistics 9 (1981) 586.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from darknet_py.scoring.matches import Matches
from darknet_py.scoring.tables import Booleans, Doubles, Ints
from darknet_py.scoring.weighted import FIGURE_CELLS, ClassCurves, class_truths


def influences(matches: Matches, figure: str = "ap", weights: npt.ArrayLike | None = None) -> Doubles:
    """The derivative of a figure by the weight of each image, (n,).

    Args:
        weights: how often each image counts, whole numbers, (n,); None: each once. The derivative is that by
            the weight of one copy.
    """
    total, present = np.zeros(len(matches.image_ids)), 0
    for _, moved, _ in class_influences(matches, figure, weights):
        total += moved
        present += 1
    return total / max(present, 1)


def class_influences(
    matches: Matches, figure: str = "ap", weights: npt.ArrayLike | None = None
) -> Iterator[tuple[int, Doubles, int]]:
    """The same of each class that has a truth: the class, (n,), and how many images have such a truth."""
    cells, count = FIGURE_CELLS[figure], len(matches.image_ids)
    times = np.ones(count, np.int64) if weights is None else np.asarray(weights).astype(np.int64)
    for k, images in enumerate(class_truths(matches, cells)):
        truths = int(times[images].sum())
        if not truths:
            continue
        curves = ClassCurves.of(matches, k, cells)
        share = np.bincount(images, minlength=count) / truths
        used = slice(None) if weights is None else np.flatnonzero(times[curves.images])
        where, total = curves.images[used], np.zeros(count)
        for true, counted in zip(curves.true[:, used], curves.counted[:, used], strict=True):
            of = np.flatnonzero(counted)
            moved, ap = _derivatives(true[of], times[where[of]], truths)
            total += np.bincount(where[of], moved, count) - ap * share
        yield k, np.where(times > 0, total / len(cells), 0.0), int(np.count_nonzero(share[times > 0]))


def _derivatives(true: Booleans, times: Ints, truths: int) -> tuple[Doubles, float]:
    """The derivative by the weight of each counted detection, and AP.

    Args:
        times: how often each detection counts.
        truths: how many there are, each as often as it counts.
    """
    before: Ints = np.cumsum(true) - true
    places = np.flatnonzero(true)
    number = np.cumsum(times)[places].astype(float)
    found = np.cumsum(times[places])
    precision = found / number
    best = np.maximum.accumulate(precision[::-1])[::-1]
    # The precision of a true detection is that of the next peak; a peak stands for all that lead to it.
    peaks = np.flatnonzero(precision == best)
    mass = np.zeros(len(places))
    mass[peaks] = np.diff(found[peaks], prepend=0) / truths
    gain, loss = (_from_the_end(mass * part / number) for part in (1.0, precision))
    moved = np.where(true, gain[before], 0.0) - loss[before]
    moved[places] += best / truths
    return moved, float((best * times[places]).sum()) / truths


def _from_the_end(values: Doubles) -> Doubles:
    """Sums of each value and all behind it, and the 0 behind the last."""
    return np.append(np.cumsum(values[::-1])[::-1], 0.0)


def images_per_class(matches: Matches, figure: str = "ap") -> Ints:
    """In how many images each class has a truth that a figure counts, (K,)."""
    return np.array([len(np.unique(images)) for images in class_truths(matches, FIGURE_CELLS[figure])])
