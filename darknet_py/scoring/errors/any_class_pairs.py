"""Overlaps of detections with objects of any class."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from darknet_py.scoring.protocols import COCO, Overlaps
from darknet_py.scoring.tables import Booleans, DetectionTable, Doubles, Ints, TruthTable


@dataclass(frozen=True)
class AnyClassPairs:
    """Overlapping detections and truths of an image, whatever their classes; without crowds.

    Args:
        detections, truths, ious: of each pair, (P,).
        count: of the detections, (B,).
    """

    detections: Ints
    truths: Ints
    ious: Doubles
    count: int

    @classmethod
    def of(cls, truth: TruthTable, found: DetectionTable, *, least: float) -> AnyClassPairs:
        """The pairs with an IoU of `least` or more."""
        one_class = np.zeros_like
        pairs = Overlaps(
            replace(truth, labels=one_class(truth.labels)),
            replace(found, labels=one_class(found.labels)),
            COCO,
        )
        keep = ~truth.crowds[pairs.truths] & (pairs.ious >= least)
        return cls(pairs.detections[keep], pairs.truths[keep], pairs.ious[keep], len(found.scores))

    def best(self, keep: Booleans) -> tuple[Doubles, Ints]:
        """The greatest IoU of each detection among some pairs, and its truth: of equal ones the earlier.

        Without any pair it is 0, and the truth -1.
        """
        detections, truths, ious = self.detections[keep], self.truths[keep], self.ious[keep]
        order = np.lexsort((truths, -ious, detections))
        first = order[np.flatnonzero(np.diff(detections[order], prepend=-1))]
        greatest, at = np.zeros(self.count), np.full(self.count, -1)
        greatest[detections[first]], at[detections[first]] = ious[first], truths[first]
        return greatest, at
