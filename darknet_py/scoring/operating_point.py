"""Precision, recall and F1 from a score on, at an IoU of .5, from stored matches or from pycocotools'.

They are what Darknet's `detector map` prints for a score of .25. A detection is true when it overlaps a truth
of its class by .5 or more that no better detection has; crowds are neither found nor missed, as in COCO.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from darknet_py.scoring.matches import Matches

if TYPE_CHECKING:
    from pycocotools.cocoeval import COCOeval

SCORE = 0.25  # Darknet's `thresh` of `detector map`
IOU = 0.5  # the first of COCO's thresholds


@dataclass(frozen=True)
class Counts:
    """True and false detections of one class or of all.

    Args:
        images: those with a truth of the class; of all classes, those evaluated.
        boxes: truths that are no crowd.
    """

    images: int
    boxes: int
    true_positives: int
    false_positives: int

    @classmethod
    def of_all(cls, parts: Iterable[Counts], *, images: int) -> Counts:
        """The sum over classes."""
        columns = ("boxes", "true_positives", "false_positives")
        parts = list(parts)
        return cls(images, *(sum(getattr(part, name) for part in parts) for name in columns))

    @property
    def precision(self) -> float | None:
        """The share of detections that are true; None without truths or without detections."""
        found = self.true_positives + self.false_positives
        return self.true_positives / found if found and self.boxes else None

    @property
    def recall(self) -> float | None:
        """The share of truths that are found; None without truths."""
        return self.true_positives / self.boxes if self.boxes else None

    @property
    def f1(self) -> float | None:
        """The harmonic mean of precision and recall; None without truths."""
        whole = self.true_positives + self.false_positives + self.boxes
        return 2 * self.true_positives / whole if self.boxes else None

    def to_json(self) -> dict[str, Any]:
        """Counts and shares; the keys are stable."""
        return {
            "images": self.images,
            "boxes": self.boxes,
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
            "true_positives": self.true_positives,
            "false_positives": self.false_positives,
            "false_negatives": self.boxes - self.true_positives,
        }


def matched_counts(matches: Matches, *, score: float = SCORE) -> list[Counts]:
    """The counts of each category, from a score on."""
    hit, ignored = (one & np.uint64(1) > 0 for one in (matches.hits, matches.ignored))  # all areas, IoU .5
    counted = (matches.scores >= score) & ~ignored
    classes = len(matches.category_ids)
    labels = np.repeat(np.arange(classes), np.diff(matches.starts))
    true, false = (np.bincount(labels[counted & one], minlength=classes) for one in (hit, ~hit))
    boxes = matches.truths_per_class()[:, 0]
    counting = matches.truth_areas & 1 > 0
    pairs = np.stack([matches.truth_labels[counting], matches.truth_images[counting]])
    images = np.bincount(np.unique(pairs, axis=1)[0], minlength=classes)
    return [Counts(*map(int, row)) for row in zip(images, boxes, true, false, strict=True)]


def counts_by_class(judge: COCOeval, *, score: float = SCORE) -> list[Counts]:
    """The counts of each category, from a score on."""
    images = len(judge.params.imgIds)
    every_area = len(judge.params.areaRng) * images
    starts = range(0, len(judge.evalImgs), every_area)  # by category, area and image; the first area is all
    return [_counts(judge.evalImgs[start : start + images], score) for start in starts]


def _counts(parts: Iterable[dict[str, Any] | None], score: float) -> Counts:
    images = boxes = true = false = 0
    for part in parts:
        if part is None:  # neither a truth nor a detection
            continue
        truths = int(np.count_nonzero(np.asarray(part["gtIgnore"]) == 0))
        counted = (np.asarray(part["dtScores"]) >= score) & ~np.asarray(part["dtIgnore"][0], bool)
        matched = np.asarray(part["dtMatches"][0]) > 0
        images, boxes = images + (truths > 0), boxes + truths
        true += int(np.count_nonzero(counted & matched))
        false += int(np.count_nonzero(counted & ~matched))
    return Counts(images, boxes, true, false)
