"""Labels that may be wrong: confident detections without an object, and objects that no network finds."""

from __future__ import annotations

import numpy as np

from darknet_py.scoring.errors.any_class_pairs import AnyClassPairs
from darknet_py.scoring.errors.kinds import IOU, ErrorKind, ErrorTable
from darknet_py.scoring.tables import DetectionTable, Ints, TruthTable

CONFIDENT = 0.5  # the least score


def unlabelled(table: ErrorTable, *, score: float = CONFIDENT) -> Ints:
    """Detections with a high score where the truth has nothing, or another class, by falling score.

    Returns: indices of the table's detections.
    """
    wrong = table.of_kind(ErrorKind.BACKGROUND) | table.of_kind(ErrorKind.CLASSIFICATION)
    at = np.flatnonzero(wrong & (table.found.scores >= score))
    return at[np.argsort(-table.found.scores[at], kind="stable")]


def undetected(truth: TruthTable, *found: DetectionTable, iou: float = IOU) -> Ints:
    """Objects that no detection overlaps, whatever its class and its score, the largest first.

    Args:
        found: the detections of one network or several.

    Returns: indices of the truth's boxes.
    """
    seen = truth.crowds.copy()
    for one in found:
        pairs = AnyClassPairs.of(truth, one, least=iou)
        seen[pairs.truths] = True
    at = np.flatnonzero(~seen)
    areas = truth.boxes_xywh[at, 2] * truth.boxes_xywh[at, 3]
    return at[np.argsort(-areas, kind="stable")]
