"""What each kind of error costs: the AP50 that is gained when its errors alone are removed.

As in tidecv, a false detection of another class or a badly placed one becomes true where its object has no
true detection, the best of those that are about the object; the others, and all errors of other kinds, are
removed. Missed objects are removed from the truths. Costs do not add up to what is missing: removing one
error lets others weigh more.

Other than in tidecv, the mean is over the classes that have a truth, as COCO's, and precision is read at
COCO's recalls; a class whose truths are all missed keeps its AP of 0 when they are removed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from darknet_py.scoring.errors.kinds import ErrorKind, ErrorTable
from darknet_py.scoring.protocols import COCO, area_under
from darknet_py.scoring.tables import Booleans, Doubles, Ints

SIZES = {"small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, np.inf)}  # above, up to

ClassFigures = tuple[float | None, ...]


@dataclass(frozen=True)
class ErrorCost:
    """The errors of one kind.

    Args:
        count: how many there are.
        cost: in AP50, 0..1; None where there is no truth.
        per_class: the cost in each class's AP50; None: it has no truth.
        by_size: the cost of those of small, medium and large objects alone, by the area of the truth's box,
            or of the detection's where there is none.
        counts_by_size: how many they are.
    """

    kind: ErrorKind
    count: int
    cost: float | None
    per_class: ClassFigures
    by_size: dict[str, float | None]
    counts_by_size: dict[str, int]


@dataclass(frozen=True)
class ErrorCosts:
    """All kinds of errors of a detector.

    Args:
        ap50: as it is, 0..1; None where there is no truth.
        per_class: the AP50 of each class; None: it has no truth.
        kinds: a cost for each kind.
        false_positives: what all false detections together cost.
        false_negatives: what all objects without a true detection cost.
    """

    ap50: float | None
    per_class: ClassFigures
    kinds: tuple[ErrorCost, ...]
    false_positives: float | None
    false_negatives: float | None

    def to_json(self) -> dict[str, Any]:
        """The figures without those of classes; costs are in AP50, 0..1."""
        return {
            "ap50": self.ap50,
            "kinds": {
                one.kind.value: {
                    "count": one.count,
                    "cost": one.cost,
                    "by_size": {
                        size: {"count": one.counts_by_size[size], "cost": one.by_size[size]} for size in SIZES
                    },
                }
                for one in self.kinds
            },
            "false_positives": self.false_positives,
            "false_negatives": self.false_negatives,
        }


def error_costs(table: ErrorTable) -> ErrorCosts:
    """Compute the cost of every kind of error, in all and by class and size."""
    curves = _Curves(table)
    nothing = np.zeros(len(table.kinds), np.bool_), np.zeros(len(table.unfound), np.bool_)
    now = curves.class_aps(*nothing)
    kinds = tuple(_cost(table, curves, kind, now) for kind in ErrorKind)
    false = table.outcomes.counted & ~table.outcomes.true
    return ErrorCosts(
        _mean(now),
        _optional(now),
        kinds,
        _gain(curves.class_aps(false, nothing[1], correct=False), now),
        _gain(curves.class_aps(nothing[0], table.unfound), now),
    )


def sizes_of(areas: Doubles) -> Ints:
    """The index in `SIZES` of each area."""
    return np.searchsorted([high for _, high in SIZES.values()][:-1], areas, side="left")


def _cost(table: ErrorTable, curves: _Curves, kind: ErrorKind, now: Doubles) -> ErrorCost:
    detections = table.of_kind(kind)
    truths = table.missed if kind is ErrorKind.MISSED else np.zeros_like(table.missed)
    fixed = curves.class_aps(detections, truths)
    by_size, counts = {}, {}
    for at, size in enumerate(SIZES):
        some = detections & (curves.detection_sizes == at), truths & (curves.truth_sizes == at)
        counts[size] = int(sum(one.sum() for one in some))
        by_size[size] = _gain(curves.class_aps(*some), now)
    return ErrorCost(kind, table.count(kind), _gain(fixed, now), _optional(fixed - now), by_size, counts)


class _Curves:
    """AP50 of each class with some errors removed.

    Attributes:
        detection_sizes, truth_sizes: indices of `SIZES`, (B,) and (T,); of a detection with a target, the
            target's.
    """

    def __init__(self, table: ErrorTable) -> None:
        self.table = table
        truth_areas = table.truth.boxes_xywh[:, 2] * table.truth.boxes_xywh[:, 3]
        areas = table.found.boxes_xywh[:, 2] * table.found.boxes_xywh[:, 3]
        about = table.targets >= 0
        areas[about] = truth_areas[table.targets[about]]
        self.detection_sizes, self.truth_sizes = sizes_of(areas), sizes_of(truth_areas)

    def class_aps(self, detections: Booleans, truths: Booleans, *, correct: bool = True) -> Doubles:
        """AP50 of each class, NaN without a truth.

        Args:
            detections: whose errors are removed, (B,).
            truths: that are removed, (T,).
            correct: detections that would be true with the right class or box become true.
        """
        table, outcomes = self.table, self.table.outcomes
        made_true = detections & table.corrected & correct
        labels = outcomes.labels.copy()
        labels[made_true] = table.truth.labels[table.targets[made_true]]
        keep = np.flatnonzero((outcomes.counted & ~detections) | made_true)
        if not np.array_equal(labels, outcomes.labels):  # else they are sorted already
            keep = keep[np.lexsort((-outcomes.scores[keep], labels[keep]))]
        true, classes = (outcomes.true | made_true)[keep], len(outcomes.truths)
        starts = np.searchsorted(labels[keep], np.arange(classes + 1))
        left = outcomes.truths - np.bincount(table.truth.labels[truths], minlength=classes)
        aps = np.where(outcomes.truths > 0, 0.0, np.nan)
        for k in np.flatnonzero(left):
            aps[k] = area_under(true[starts[k] : starts[k + 1]], int(left[k]), COCO.points)
        return aps


def _mean(values: Doubles) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else None


def _gain(fixed: Doubles, now: Doubles) -> float | None:
    gain = _mean(fixed - now)
    return None if gain is None else max(0.0, gain)  # rounding alone makes it negative


def _optional(values: Doubles) -> ClassFigures:
    return tuple(None if np.isnan(value) else float(value) for value in values)
