"""The figures of each group, as reductions of outcomes.

An object belongs to its own group, a true detection to the group of its object, a false one to the group of
its own box. Nothing is matched again: a detection keeps the object that it got among all. COCO's figures by
area do match again, and prefer objects inside the range, so they differ where objects of several groups
overlap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from darknet_py.scoring.protocols import COCO, Outcomes, area_under, overlaps
from darknet_py.scoring.slices.grouping import Grouping
from darknet_py.scoring.tables import Booleans, DetectionTable, Ints, TruthTable


@dataclass(frozen=True)
class StoredOutcomes:
    """Outcomes at COCO's ten thresholds.

    Args:
        found: the detections in the order of the outcomes.
        outcomes: one for each threshold.
    """

    truth: TruthTable
    found: DetectionTable
    outcomes: tuple[Outcomes, ...]

    @classmethod
    def of(cls, truth: TruthTable, found: DetectionTable) -> StoredOutcomes:
        """Match once."""
        pairs = overlaps(truth, found, COCO)
        return cls(truth, pairs.found, tuple(pairs.at(threshold) for threshold in COCO.thresholds))


@dataclass(frozen=True)
class GroupFigures:
    """One group.

    Args:
        objects: how many truths it has, without crowds.
        recall: the share of them that a detection finds at an IoU of .5; None without objects.
        ap, ap50: means over the classes with an object in the group, 0..1; None without objects.
    """

    name: str
    objects: int
    recall: float | None
    ap: float | None
    ap50: float | None

    def to_json(self) -> dict[str, Any]:
        """The figures; the group's name is its key."""
        return {"objects": self.objects, "recall": self.recall, "ap": self.ap, "ap50": self.ap50}


@dataclass(frozen=True)
class Slice:
    """The figures of the groups of one property."""

    title: str
    groups: tuple[GroupFigures, ...]


def group_figures(stored: StoredOutcomes, grouping: Grouping) -> list[GroupFigures]:
    """The figures of every group of a property, in order."""
    return [_figures(stored, grouping, group) for group in range(len(grouping.names))]


def _figures(stored: StoredOutcomes, grouping: Grouping, group: int) -> GroupFigures:
    truth = stored.truth
    inside = (grouping.truths == group) & ~truth.crowds
    counts = np.bincount(truth.labels[inside], minlength=len(truth.category_ids))
    aps = []
    for outcomes in stored.outcomes:
        of_object = np.where(outcomes.true, grouping.truths[outcomes.got], grouping.detections)
        aps.append(_mean_ap(outcomes, outcomes.counted & (of_object == group), counts))
    objects, first = int(inside.sum()), stored.outcomes[0]
    found = int(inside[first.got[first.true]].sum())
    if not objects:
        return GroupFigures(grouping.names[group], 0, None, None, None)
    return GroupFigures(grouping.names[group], objects, found / objects, float(np.mean(aps)), aps[0])


def _mean_ap(outcomes: Outcomes, keep: Booleans, counts: Ints) -> float:
    """AP of some detections, as the mean over the classes that have truths among `counts`."""
    labels, true = outcomes.labels[keep], outcomes.true[keep]
    starts = np.searchsorted(labels, np.arange(len(counts) + 1))
    classes = np.flatnonzero(counts)
    values = [area_under(true[starts[k] : starts[k + 1]], int(counts[k]), COCO.points) for k in classes]
    return float(np.mean(values)) if values else 0.0
