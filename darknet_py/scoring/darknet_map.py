"""What Darknet's `detector map` prints: mAP, and precision, recall, F1 and average IoU from a score on.

Source: AlexeyAB's Darknet, detector.c, validate_detector_map. There a detection above the score is true when
it overlaps a truth that no earlier detection of the image overlaps best, whatever the score of that one.
Earlier is a box that NMS sorted before: it sorts all boxes by one class after the other, so at last the score
of the last class decides, among boxes with equal scores that of the class before, and so on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from darknet_py.scoring.average_precision import average_precision
from darknet_py.scoring.operating_point import SCORE
from darknet_py.scoring.protocols import DARKNET, Outcomes, overlaps
from darknet_py.scoring.tables import Booleans, DetectionTable, Ints, TruthTable


@dataclass(frozen=True)
class DarknetMap:
    """The figures, 0..1.

    Args:
        per_class: AP by name; 0 for a class without a truth.
        truths, true, false: of each class, the detections from the score on.
        average_iou: of true detections with their truths, over true and false ones.
        threshold: the score that the detections counted exceed.
        best_f1: over all scores, and the least score of the detections counted for it; None without any.
    """

    mean: float
    iou: float
    points: int
    per_class: dict[str, float]
    truths: tuple[int, ...]
    true: tuple[int, ...]
    false: tuple[int, ...]
    average_iou: float
    threshold: float
    best_f1: tuple[float, float] | None

    def to_json(self) -> dict[str, Any]:
        """The figures as `score --json` prints them; None where Darknet prints nan, as 0 of 0."""
        true, false, truths = sum(self.true), sum(self.false), sum(self.truths)
        whole = true + false + truths
        return {
            "map": self.mean,
            "iou": self.iou,
            "points": self.points,
            "per_class": self.per_class,
            "precision": true / (true + false) if true + false else None,
            "recall": true / truths if truths else None,
            "f1": 2 * true / whole if whole else None,
            "average_iou": self.average_iou,
            "tp": true,
            "fp": false,
            "fn": truths - true,
            "threshold": self.threshold,
            "best_f1": dict(zip(("f1", "threshold"), self.best_f1, strict=True)) if self.best_f1 else None,
            "classes": [
                {"name": name, "ap": ap, "truths": truths, "tp": tp, "fp": fp}
                for (name, ap), truths, tp, fp in zip(
                    self.per_class.items(), self.truths, self.true, self.false, strict=True
                )
            ],
        }


def darknet_map(
    truth: TruthTable,
    found: DetectionTable,
    names: Sequence[str],
    *,
    iou: float = 0.5,
    points: int = 0,
    threshold: float = SCORE,
    in_order: bool = False,
) -> DarknetMap:
    """Compute Darknet's figures.

    Args:
        names: of the classes.
        in_order: the detections of an image are in Darknet's order, as in its `-out` file; else that order is
            found from the scores of each box, as far as NMS left them.
    """
    protocol = replace(DARKNET, thresholds=(iou,), points=points)
    pairs = overlaps(truth, found, protocol)
    outcomes, result = pairs.at(iou), average_precision(truth, found, protocol)
    has = np.flatnonzero(outcomes.got >= 0)
    has = has[np.argsort(pairs.rows[has] if in_order else _turns(pairs.found)[has])]
    above, first = outcomes.scores > threshold, np.zeros_like(outcomes.true)
    first[has[np.unique(outcomes.got[has], return_index=True)[1]]] = True
    true, false = above & first, above & ~first
    of_class = [np.bincount(outcomes.labels[one], minlength=len(names)) for one in (true, false)]
    values = [0.0 if value is None else value for value in result.per_class]
    return DarknetMap(
        mean=result.mean or 0.0,
        iou=iou,
        points=points,
        per_class=dict(zip(names, values, strict=True)),
        truths=tuple(outcomes.truths.tolist()),
        true=tuple(of_class[0].tolist()),
        false=tuple(of_class[1].tolist()),
        average_iou=float(outcomes.ious[true].sum() / max(1, above.sum())),
        threshold=threshold,
        best_f1=_best_f1(outcomes),
    )


def _turns(found: DetectionTable) -> Ints:
    """The place of each detection's box in the order of Darknet's NMS, (B,), among those of its image."""
    boxes: dict[tuple[float, ...], list[float]] = {}
    repeats: Counter[tuple[float, ...]] = Counter()  # a box has one score of a class; equal boxes are several
    order = np.lexsort((-found.scores, -found.labels))
    columns = np.column_stack([found.images, found.boxes_xywh, found.labels, found.scores])[order].tolist()
    keys = []
    for *box, label, score in columns:
        one = (*box, label)
        key = (*box, repeats[one])
        repeats[one] += 1
        boxes.setdefault(key, []).extend((-label, -score))
        keys.append(key)
    end = [float("inf")]  # a box without a score sorts behind one that has it
    place = {key: number for number, key in enumerate(sorted(boxes, key=lambda key: boxes[key] + end))}
    turns = np.zeros(len(keys), np.int64)
    turns[order] = [place[key] for key in keys]
    return turns


def _best_f1(outcomes: Outcomes) -> tuple[float, float] | None:
    """The best F1 over all scores, and the score from which on detections are counted for it."""
    if not len(outcomes.scores):
        return None
    order = np.argsort(-outcomes.scores, kind="stable")
    scores, true = outcomes.scores[order], outcomes.true[order]
    last: Booleans = np.append(scores[:-1] != scores[1:], True)  # equal scores count together
    f1 = 2 * true.cumsum() / (np.arange(1, len(true) + 1) + outcomes.truths.sum())
    best = int(np.argmax(np.where(last, f1, -1.0)))
    return float(f1[best]), float(scores[best])
