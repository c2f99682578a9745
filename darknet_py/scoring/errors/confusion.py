"""Which classes a detector confuses, with each other and with the background.

The rule: detections with a score of `SCORE` or more, by falling score, each take the free object of the
greatest IoU, whatever its class, if that is `IOU` or more. The object's class is the row, the detection's the
column. Objects that nothing took are in the last column, detections that took nothing in the last row; those
in a crowd are not counted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from darknet_py.scoring.errors.kinds import IOU
from darknet_py.scoring.operating_point import SCORE
from darknet_py.scoring.protocols import COCO, Overlaps
from darknet_py.scoring.tables import DetectionTable, Ints, TruthTable


@dataclass(frozen=True)
class Confusion:
    """Counts of objects by class (rows) and of the detections that took them (columns).

    Args:
        matrix: (K + 1, K + 1); the last row and column are the background.
        score, iou: the rule's limits.
    """

    matrix: Ints
    score: float
    iou: float

    def greatest(self, most: int) -> list[tuple[int, int, int]]:
        """Pairs of different classes by falling count: class of the object, class of the detection, count."""
        wrong = self.matrix[:-1, :-1].copy()
        np.fill_diagonal(wrong, 0)
        order = np.argsort(-wrong, axis=None, kind="stable")[:most]
        pairs = zip(*np.unravel_index(order, wrong.shape), strict=True)
        return [
            (int(row), int(column), int(wrong[row, column])) for row, column in pairs if wrong[row, column]
        ]

    def most_errors(self, most: int) -> list[int]:
        """The classes with the most errors of any kind, in their own order."""
        right = np.diag(self.matrix)[:-1]
        errors = self.matrix.sum(axis=0)[:-1] + self.matrix.sum(axis=1)[:-1] - 2 * right
        return sorted(np.argsort(-errors, kind="stable")[:most].tolist())


def confusion(
    truth: TruthTable, found: DetectionTable, *, score: float = SCORE, iou: float = IOU
) -> Confusion:
    """Count by the rule above."""
    order = np.lexsort((found.labels, found.images, -found.scores))
    order = order[found.scores[order] >= score]
    labels = found.labels[order]
    one_class = np.zeros_like
    chosen = DetectionTable(
        found.images[order], one_class(labels), found.boxes_xywh[order], found.scores[order]
    )
    outcomes = Overlaps(replace(truth, labels=one_class(truth.labels)), chosen, COCO).at(iou)
    background = len(truth.category_ids)
    matrix = np.zeros((background + 1, background + 1), np.int64)
    took, nothing = outcomes.true, outcomes.counted & ~outcomes.true
    np.add.at(matrix, (truth.labels[outcomes.got[took]], labels[took]), 1)
    matrix[background, :background] = np.bincount(labels[nothing], minlength=background)
    left = ~truth.crowds
    left[outcomes.got[took]] = False
    matrix[:background, background] = np.bincount(truth.labels[left], minlength=background)
    return Confusion(matrix, score, iou)
