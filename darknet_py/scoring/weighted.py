"""COCO's AP when images count several times or not at all, from stored matches: nothing is matched again.

An image that counts twice is the same as its copy in the data set. Only true detections can change the
greatest precision at a recall, so counted detections are summed up to each true one, for many weightings at
once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from darknet_py.scoring.coco_figures import COLUMN, RECALLS
from darknet_py.scoring.matches import AREAS, Matches
from darknet_py.scoring.tables import Booleans, Doubles, Ints

FIGURE_CELLS: Mapping[str, range] = {  # the bits of a detection that a figure is a mean of
    "ap": range(COLUMN),
    "ap50": range(1),
    "ap75": range(5, 6),
    **{f"ap_{area}": range(at * COLUMN, (at + 1) * COLUMN) for at, area in enumerate(AREAS) if area != "all"},
}
TOGETHER = 1 << 22  # weights that are gathered at once
BLOCK = 16  # rows that are scanned together
WIDE = 128  # columns from which that is faster
NEXT_RECALL = np.append(RECALLS[1:], np.inf)


def weighted_ap(matches: Matches, weights: npt.ArrayLike, figure: str = "ap") -> Doubles:
    """A figure of AP for each column of weights, (R,); NaN where no truth counts.

    Args:
        weights: how often each image counts, whole numbers, (n, R).
        figure: one of `FIGURE_CELLS`.
    """
    with np.errstate(invalid="ignore"):
        values = weighted_class_ap(matches, weights, figure)
        return np.asarray(np.nansum(values, axis=0) / (~np.isnan(values)).sum(axis=0), float)


def weighted_class_ap(matches: Matches, weights: npt.ArrayLike, figure: str = "ap") -> Doubles:
    """The AP of each class for each column of weights, (K, R); NaN where no truth counts."""
    counts = np.asarray(weights).astype(np.int32)
    cells = FIGURE_CELLS[figure]
    truths = class_truths(matches, cells)
    values = np.full((len(truths), counts.shape[1]), np.nan)
    for k, images in enumerate(truths):
        totals = counts[images].sum(axis=0, dtype=np.int64)
        curves = ClassCurves.of(matches, k, cells)
        width = max(8, TOGETHER // max(1, len(curves.images), int(totals.max(initial=0))))
        for start in range(0, counts.shape[1], width):
            some = slice(start, start + width)
            sums = curves.precision_sums(np.ascontiguousarray(counts[:, some]), totals[some])
            values[k, some] = sums / (len(cells) * len(RECALLS))
        values[k, totals == 0] = np.nan
    return values


def class_truths(matches: Matches, cells: range) -> list[Ints]:
    """The image of every truth that counts, class by class."""
    counting = ((matches.truth_areas >> np.uint8(cells[0] // COLUMN)) & 1).astype(bool)
    images, labels = matches.truth_images[counting].astype(np.int64), matches.truth_labels[counting]
    order = np.argsort(labels, kind="stable")
    edges = np.searchsorted(labels[order], np.arange(1, len(matches.category_ids)))
    return np.split(images[order], edges)


class ClassCurves:
    """The detections of a class up to its last true one, from which a precision-recall curve follows.

    Args:
        images: of the detections, (B,).
        true, counted: of each cell, (cells, B).
    """

    def __init__(self, images: Ints, true: Booleans, counted: Booleans) -> None:
        last = int(np.flatnonzero(true.any(axis=0))[-1]) + 1 if true.any() else 0
        self.images, self.true, self.counted = images[:last], true[:, :last], counted[:, :last]

    @classmethod
    def of(cls, matches: Matches, k: int, cells: Sequence[int]) -> ClassCurves:
        """Those of class `k`."""
        part = slice(matches.starts[k], matches.starts[k + 1])
        bits = np.asarray(cells, np.uint64)[:, None]
        hits, ignored = ((one[part] >> bits) & np.uint64(1) for one in (matches.hits, matches.ignored))
        counted = ignored == 0
        return cls(matches.images[part].astype(np.int64), (hits == 1) & counted, counted)

    def precision_sums(self, weights: npt.NDArray[np.int32], totals: Ints) -> Doubles:
        """The sum of the precisions at all recalls and cells, for each column of weights."""
        sums = np.zeros(weights.shape[1])
        anywhere = np.flatnonzero(self.true.any(axis=0))
        if not len(anywhere):
            return sums
        reached = _RecallTable(totals)
        base = self.counted[0].copy()
        base[anywhere] = True
        chosen = np.flatnonzero(base)
        seen = _scan(np.add, np.take(weights, self.images[chosen], axis=0))
        seen = seen[np.searchsorted(chosen, anywhere)]
        hits = np.take(weights, self.images[anywhere], axis=0)
        for true, counted in zip(self.true, self.counted, strict=True):
            of = np.flatnonzero(true[anywhere])
            if not len(of):
                continue
            found = _scan(np.add, np.take(hits, of, axis=0))
            others = np.flatnonzero(counted != base)
            number = np.take(seen, of, axis=0)
            if len(others):
                number += self._correction(weights, others, counted, anywhere[of])
            best = number + np.spacing(1)
            np.divide(found, best, out=best)
            _scan(np.maximum, best[::-1])
            sums += reached.weigh(best, found)
        return sums

    def _correction(
        self, weights: npt.NDArray[np.int32], others: Ints, counted: Booleans, places: Ints
    ) -> npt.NDArray[np.int32]:
        """What the few detections that count otherwise than at the first threshold change at `places`."""
        signs = np.where(counted[others], 1, -1).astype(np.int32)[:, None]
        changes = np.cumsum(signs * weights[self.images[others]], axis=0, dtype=np.int32)
        changes = np.concatenate([np.zeros_like(changes[:1]), changes])
        return np.asarray(changes[np.searchsorted(others, places, side="right")])


class _RecallTable:
    """How many of the recalls are reached with so many true detections, for each column of weights.

    Args:
        totals: truths of each column.
    """

    def __init__(self, totals: Ints) -> None:
        different, column = np.unique(totals, return_inverse=True)
        found = np.arange(different[-1] + 1)[None]
        # of a column only numbers up to its total are looked up
        table = _recalls_reached(np.minimum(found, different[:, None]), different[:, None])
        self.table = np.ascontiguousarray(table, np.float64).reshape(-1)
        self.first = column.reshape(-1) * found.size

    def weigh(self, best: Doubles, found: npt.NDArray[np.int32]) -> Doubles:
        """The sum of the precisions at all recalls that are reached, for each column.

        Args:
            best: the greatest precision from each true detection on, (P, R).
            found: true detections up to each, (P, R).
        """
        reached = np.take(self.table, found + self.first, mode="clip")
        sums: Doubles = np.einsum("pr,pr->r", best[1:], reached[1:] - reached[:-1])
        sums += best[0] * reached[0]
        return sums


def _scan(operate: np.ufunc, rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """`operate.accumulate` along the first axis, in place, by blocks: three times as fast for wide rows."""
    if rows.shape[1] < WIDE:
        operate.accumulate(rows, axis=0, out=rows)
        return rows
    for at in range(1, BLOCK):
        part = rows[at::BLOCK]
        operate(part, rows[at - 1 :: BLOCK][: len(part)], out=part)
    for start in range(BLOCK, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        operate(block, rows[start - 1], out=block)
    return rows


def _recalls_reached(found: Ints, totals: Ints) -> npt.NDArray[np.int16]:
    """How many of the recalls are reached with so many truths; exact, where a rounded division is not."""
    recall = found / np.maximum(totals, 1)
    below = (recall * 100).astype(np.int16)
    return below + 1 + (NEXT_RECALL[below] <= recall) - (RECALLS[below] > recall)
