"""The kind of each error of a detector, as TIDE divides them.

Bolya, Foley, Hays and Hoffman, "TIDE: A General Toolbox for Identifying Object Detection Errors", ECCV 2020,
arXiv:2008.08115. Detections that COCO does not count (those in a crowd, and beyond the best 100 of a class in
an image) are no errors.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from darknet_py.scoring.errors.any_class_pairs import AnyClassPairs
from darknet_py.scoring.protocols import COCO, Outcomes, overlaps
from darknet_py.scoring.tables import Booleans, DetectionTable, Doubles, Ints, TruthTable

IOU = 0.5  # from here on a box is in its place
BACKGROUND = 0.1  # up to here a box overlaps nothing
NO_ERROR = -1


class ErrorKind(Enum):
    """What is wrong with a detection; `MISSED` is of a truth."""

    CLASSIFICATION = "classification"
    LOCALISATION = "localisation"
    BOTH = "both"
    DUPLICATE = "duplicate"
    BACKGROUND = "background"
    MISSED = "missed"


DESCRIPTIONS = {  # the first that applies is the kind of a detection
    ErrorKind.LOCALISATION: f"overlaps an object of its class, but by {BACKGROUND} to {IOU} only",
    ErrorKind.CLASSIFICATION: f"overlaps an object of another class by {IOU} or more",
    ErrorKind.DUPLICATE: "overlaps an object of its class that a better detection has found",
    ErrorKind.BACKGROUND: f"overlaps no object by more than {BACKGROUND}",
    ErrorKind.BOTH: f"overlaps an object of another class, and by less than {IOU}",
    ErrorKind.MISSED: "an object that no detection finds, also not one of the first two kinds",
}
KINDS = tuple(ErrorKind)


@dataclass(frozen=True)
class ErrorTable:
    """Every error of a detector on a data set.

    Args:
        found: the detections, by class and falling score, as many as COCO counts.
        outcomes: of these at an IoU of `IOU`.
        kinds: an index of `KINDS` for each detection, or `NO_ERROR`, (B,).
        targets: the truth that an error of classification or localisation is about, else -1, (B,).
        corrected: the detection would be true if its class or box were right: its target has no other
            detection, and of those that are about it, this has the highest score, (B,).
        unfound: truths that count and have no true detection, (T,).
        missed: of these, those that are no detection's target, (T,).
    """

    truth: TruthTable
    found: DetectionTable
    outcomes: Outcomes
    kinds: Ints
    targets: Ints
    corrected: Booleans
    unfound: Booleans
    missed: Booleans

    def of_kind(self, kind: ErrorKind) -> Booleans:
        """Which detections have an error of this kind, (B,)."""
        return np.equal(self.kinds, KINDS.index(kind))

    def count(self, kind: ErrorKind) -> int:
        """How many errors of this kind there are."""
        return int((self.missed if kind is ErrorKind.MISSED else self.of_kind(kind)).sum())


def error_table(truth: TruthTable, found: DetectionTable) -> ErrorTable:
    """Find the kind of every error."""
    own = overlaps(truth, found, replace(COCO, name="errors", thresholds=(IOU,)))
    outcomes, chosen = own.at(IOU), own.found
    unfound = ~truth.crowds
    unfound[outcomes.got[outcomes.true]] = False
    pairs = AnyClassPairs.of(truth, chosen, least=BACKGROUND)
    kinds, targets = _kinds(pairs, outcomes, unfound, truth, chosen)
    corrected = _corrected(targets, unfound, chosen.scores)
    missed = unfound.copy()
    missed[targets[targets >= 0]] = False
    return ErrorTable(truth, chosen, outcomes, kinds, targets, corrected, unfound, missed)


def _kinds(
    pairs: AnyClassPairs, outcomes: Outcomes, unfound: Booleans, truth: TruthTable, found: DetectionTable
) -> tuple[Ints, Ints]:
    """The kind and the target of each detection, in TIDE's order: the first that applies."""
    same = truth.labels[pairs.truths] == found.labels[pairs.detections]
    own, own_at = pairs.best(same)
    other, other_at = pairs.best(~same)
    second, _ = pairs.best(same & ~unfound[pairs.truths])
    false = outcomes.counted & ~outcomes.true
    rules = {
        ErrorKind.LOCALISATION: (own >= BACKGROUND) & (own <= IOU),
        ErrorKind.CLASSIFICATION: other >= IOU,
        ErrorKind.DUPLICATE: second >= IOU,
        ErrorKind.BACKGROUND: np.maximum(own, other) <= BACKGROUND,
        ErrorKind.BOTH: np.ones_like(false),
    }
    chosen = np.select(list(rules.values()), [KINDS.index(kind) for kind in rules])
    kinds = np.where(false, chosen, NO_ERROR)
    targets = np.full(pairs.count, -1)
    for kind, at in ((ErrorKind.LOCALISATION, own_at), (ErrorKind.CLASSIFICATION, other_at)):
        targets = np.where(kinds == KINDS.index(kind), at, targets)
    return kinds, targets


def _corrected(targets: Ints, unfound: Booleans, scores: Doubles) -> Booleans:
    """The detection of highest score of each truth that has no true one."""
    about = np.flatnonzero(targets >= 0)
    about = about[unfound[targets[about]]]
    about = about[np.lexsort((about, -scores[about], targets[about]))]
    first = np.flatnonzero(np.diff(targets[about], prepend=-1))
    corrected = np.zeros(len(targets), np.bool_)
    corrected[about[first]] = True
    return corrected
