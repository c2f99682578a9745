"""Average precision by the rules of COCO, of Darknet's `map` and of Pascal VOC, as settings of one procedure.

The rules differ in how a detection finds a truth, what does not count, and how the curve of precision over
recall becomes one number; `Protocol` has one field for each difference. `scoring/coco_figures.py` computes
COCO's figures from stored matches; here AP alone is computed, for any mixture of rules.

Sources: pycocotools, COCOeval; AlexeyAB's Darknet, detector.c, validate_detector_map; the VOC development
kit, VOCevaldet.m of 2007 and of 2012.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import Enum
from typing import Any

import numpy as np

from darknet_py.scoring.pairs import ious_of_pairs, pairs_of_groups
from darknet_py.scoring.tables import Booleans, DetectionTable, Doubles, Ints, TruthTable


class TruthChoice(Enum):
    """Which truth a detection gets."""

    FREE = "the free truth of greatest IoU"
    BEST = "the truth of greatest IoU; if another detection has it, the detection is false"


class Crowds(Enum):
    """What a crowd, or in Pascal VOC a difficult object, is."""

    REGION = "detections in it do not count"
    DIFFICULT = "a detection of it does not count"
    ABSENT = "no truth, as label files have none"


@dataclass(frozen=True)
class Protocol:
    """The rules of an average precision.

    Args:
        name: of the rules, as `--protocol` takes it.
        thresholds: of IoU; AP is the mean over them.
        exceeding: IoU must exceed the threshold; else it may be equal.
        choice: which truth a detection gets.
        crowds: what a crowd or a difficult object is.
        points: recalls at which precision is read, evenly from 0 to 1; 0 for the area under the curve.
        least_score: detections below are left out.
        most: detections of a class in an image that count, by score; None for all.
        by_image: equal scores are counted in the order of image ids; else in that of the results.
        border: pixels that are added to every side when boxes overlap. VOC's 1 is in the truths already,
            whose width is xmax - xmin + 1.
        empty_classes: a class without a truth counts as 0; else it is left out.
    """

    name: str
    thresholds: tuple[float, ...]
    exceeding: bool
    choice: TruthChoice
    crowds: Crowds
    points: int
    least_score: float
    most: int | None
    by_image: bool
    border: float
    empty_classes: bool

    def to_json(self) -> dict[str, Any]:
        """The rules, as `score --json` prints them."""
        return {field.name: as_json(getattr(self, field.name)) for field in fields(self)}


def as_json(value: Any) -> Any:
    """The value of a rule in JSON."""
    if isinstance(value, TruthChoice | Crowds):
        return value.name.lower()
    return list(value) if isinstance(value, tuple) else value


COCO = Protocol(
    name="coco",
    thresholds=tuple(float(value) for value in np.linspace(0.5, 0.95, 10)),
    exceeding=False,
    choice=TruthChoice.FREE,
    crowds=Crowds.REGION,
    points=101,
    least_score=0.0,
    most=100,
    by_image=True,
    border=0.0,
    empty_classes=False,
)
DARKNET = Protocol(
    name="darknet",
    thresholds=(0.5,),
    exceeding=True,
    choice=TruthChoice.BEST,
    crowds=Crowds.ABSENT,
    points=0,
    least_score=0.005,
    most=None,
    by_image=False,
    border=0.0,
    empty_classes=True,
)
VOC07 = Protocol(
    name="voc07",
    thresholds=(0.5,),
    exceeding=False,
    choice=TruthChoice.BEST,
    crowds=Crowds.DIFFICULT,
    points=11,
    least_score=0.0,
    most=None,
    by_image=False,
    border=0.0,
    empty_classes=False,
)
VOC12 = Protocol(
    name="voc12",
    thresholds=(0.5,),
    exceeding=False,
    choice=TruthChoice.BEST,
    crowds=Crowds.DIFFICULT,
    points=0,
    least_score=0.0,
    most=None,
    by_image=False,
    border=0.0,
    empty_classes=False,
)
PROTOCOLS = {protocol.name: protocol for protocol in (COCO, DARKNET, VOC07, VOC12)}


@dataclass(frozen=True)
class Outcomes:
    """What became of the detections of a data set at one threshold, by class and falling score.

    Args:
        labels, scores: of each detection, (B,).
        images: of each detection, (B,).
        got: the truth that each got, an index of the truths; -1: none, (B,).
        ious: with the truth it got, 0 without one, (B,).
        true: it is the first to get its truth, (B,).
        counted: it is true or false; else it does not count, (B,).
        truths: how many truths of each class count, (K,).
    """

    labels: Ints
    scores: Doubles
    images: Ints
    got: Ints
    ious: Doubles
    true: Booleans
    counted: Booleans
    truths: Ints


def overlaps(truth: TruthTable, found: DetectionTable, protocol: Protocol) -> Overlaps:
    """The detections that count by a protocol, and the truths that each overlaps."""
    order = np.lexsort((-found.scores, found.images, found.labels))
    order = order[found.scores[order] >= protocol.least_score]
    if protocol.most is not None:
        groups = found.labels[order] * len(truth.image_ids) + found.images[order]
        first = np.flatnonzero(np.diff(groups, prepend=-1))
        ranks = np.arange(len(groups)) - np.repeat(first, np.diff(first, append=len(groups)))
        order = order[ranks < protocol.most]
    order = order if protocol.by_image else np.sort(order)
    order = order[np.lexsort((-found.scores[order], found.labels[order]))]
    chosen = DetectionTable(
        found.images[order], found.labels[order], found.boxes_xywh[order], found.scores[order]
    )
    return Overlaps(truth, chosen, protocol, order)


class Overlaps:
    """Detections by class and falling score, with the IoU of every truth of their class and image.

    Attributes:
        found: the detections.
        rows: the place of each among the results, (B,).
        detections, truths, ious: pairs with an IoU above 0, by detection and then by truth, (P,).
    """

    def __init__(
        self, truth: TruthTable, found: DetectionTable, protocol: Protocol, rows: Ints | None = None
    ) -> None:
        self.truth, self.found, self.protocol = truth, found, protocol
        self.rows = np.arange(len(found.scores)) if rows is None else rows
        own = truth.labels * len(truth.image_ids) + truth.images
        by_group = np.argsort(own, kind="stable")
        groups = found.labels * len(truth.image_ids) + found.images
        regions = truth.crowds & (protocol.crowds is Crowds.REGION)
        parts: list[tuple[Ints, Ints, Doubles]] = [(own[:0], own[:0], np.zeros(0))]
        for detections, places in pairs_of_groups(groups, own[by_group]):
            truths = by_group[places]
            boxes = found.boxes_xywh[detections], truth.boxes_xywh[truths]
            ious = ious_of_pairs(*boxes, regions[truths], border=protocol.border)
            near = ious > 0
            parts.append((detections[near], truths[near], ious[near]))
        self.detections, self.truths, self.ious = map(np.concatenate, zip(*parts, strict=True))

    def at(self, threshold: float) -> Outcomes:
        """What becomes of the detections at a threshold of IoU."""
        protocol, truth, found = self.protocol, self.truth, self.found
        least = threshold if protocol.exceeding else min(threshold, 1 - 1e-10)
        near = self.ious > least if protocol.exceeding else self.ious >= least
        odd = truth.crowds
        if protocol.crowds is Crowds.ABSENT:
            near &= ~odd[self.truths]
        detections, truths, ious = self.detections[near], self.truths[near], self.ious[near]
        got = np.full(len(found.scores), -1)
        overlap = np.zeros(len(found.scores))
        if protocol.choice is TruthChoice.BEST:
            best = np.lexsort((truths, -ious, detections))
            keep = best[np.flatnonzero(np.diff(detections[best], prepend=-1))]
            got[detections[keep]], overlap[detections[keep]] = truths[keep], ious[keep]
        else:
            self._choose_free(detections, truths, ious, odd, got, overlap)
        has = got >= 0
        _, first = np.unique(got[has], return_index=True)
        true = np.zeros(len(got), np.bool_)
        true[np.flatnonzero(has)[first]] = True
        counted = np.ones(len(got), np.bool_)
        counted[has] = ~odd[got[has]]
        counting = np.bincount(truth.labels[~odd], minlength=len(truth.category_ids))
        return Outcomes(
            found.labels, found.scores, found.images, got, overlap, true & counted, counted, counting
        )

    def _choose_free(
        self, detections: Ints, truths: Ints, ious: Doubles, odd: Booleans, got: Ints, overlap: Doubles
    ) -> None:
        """Let detections choose by falling score among the truths that are free; then crowds, free or not."""
        order = np.lexsort((-truths, -ious, odd[truths], detections))
        taken = np.zeros(len(odd), np.bool_)
        pairs = zip(detections[order].tolist(), truths[order].tolist(), ious[order].tolist(), strict=True)
        for detection, truth, iou in pairs:
            if got[detection] < 0 and (odd[truth] or not taken[truth]):
                got[detection], overlap[detection] = truth, iou
                taken[truth] = True


def area_under(true: Booleans, truths: int, points: int) -> float:
    """The area under the greatest precision at each recall or beyond it.

    Args:
        true: of the detections that count, by falling score, (B,).
        truths: how many there are to find.
        points: recalls at which precision is read, 0 for the exact area.
    """
    hits = true.cumsum()
    recall, precision = hits / truths, hits / np.arange(1, len(true) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    if not points:
        return float((np.diff(recall, prepend=0.0) * best).sum())
    at = np.searchsorted(recall, np.linspace(0.0, 1.0, points), side="left")
    return float(best[at[at < len(best)]].sum() / points)
