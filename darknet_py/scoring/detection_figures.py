"""COCO's figures of a detector and of each class, from stored matches or by pycocotools."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any

from darknet_py.scoring.coco import average_precisions, judged
from darknet_py.scoring.coco_figures import FIGURES, RECALL_FIGURES, coco_arrays
from darknet_py.scoring.matches import Matches
from darknet_py.scoring.operating_point import IOU, Counts, counts_by_class, matched_counts

METRIC = "COCO bbox (pycocotools)"  # whose definition it is; every engine gives the same bits
ENGINES = ("darknet-py", "pycocotools")


@dataclass(frozen=True)
class ClassFigures:
    """The figures of one class, 0..1; None where there is no truth to find."""

    name: str
    ap: float | None
    ap50: float | None
    counts: Counts

    def to_json(self) -> dict[str, Any]:
        """An entry of `classes`; the keys are stable."""
        return {"name": self.name, "ap": self.ap, "ap50": self.ap50, **self.counts.to_json()}


@dataclass(frozen=True)
class DetectionFigures:
    """COCO's twelve figures, 0..1; None where there is no truth to find.

    Args:
        values: by name, in COCO's order.
        classes: in the order of the data set.
        images: how many were evaluated.
        score: that precision, recall and F1 are counted from.
    """

    values: dict[str, float | None]
    classes: tuple[ClassFigures, ...]
    images: int
    score: float

    @property
    def counts(self) -> Counts:
        """True and false detections of all classes together."""
        return Counts.of_all([one.counts for one in self.classes], images=self.images)

    def to_json(self) -> dict[str, Any]:
        """The figures in the words of `eval`, and COCO's recalls."""
        return {
            **{name: self.values[name] for name in FIGURES},
            "per_class": {one.name: one.ap for one in self.classes},
            **self.counts.to_json(),
            "precision_at": {"score": self.score, "iou": IOU},
            "classes": [one.to_json() for one in self.classes],
            **{name: self.values[name] for name in RECALL_FIGURES},
        }

    def packed(self) -> list[Any]:
        """What `unpacked` makes figures of again, as JSON."""
        rows = [[one.ap, one.ap50, *astuple(one.counts)] for one in self.classes]
        return [list(self.values.values()), rows, self.images, self.score]


def unpacked(values: list[Any], names: Sequence[str]) -> DetectionFigures:
    """The figures of `DetectionFigures.packed`, of classes with these names."""
    figures, rows, images, score = values
    pairs = zip(names, rows, strict=True)
    classes = tuple(ClassFigures(name, ap, ap50, Counts(*counts)) for name, (ap, ap50, *counts) in pairs)
    return DetectionFigures(
        dict(zip((*FIGURES, *RECALL_FIGURES), figures, strict=True)), classes, images, score
    )


def figures_of_matches(matches: Matches, names: Sequence[str], *, score: float) -> DetectionFigures:
    """Reduce matches to COCO's figures."""
    arrays, counts = coco_arrays(matches), matched_counts(matches, score=score)
    columns = zip(names, arrays.by_class(), arrays.by_class(ious=slice(1)), counts, strict=True)
    classes = tuple(ClassFigures(*row) for row in columns)
    return DetectionFigures(arrays.figures(), classes, len(matches.image_ids), score)


def reference_figures(
    truth: dict[str, Any], results: Sequence[dict[str, Any]], *, score: float
) -> DetectionFigures:
    """Let pycocotools match and compute; arguments as those of `coco_figures`."""
    judge = judged(truth, results)
    stats = [None if value < 0 else float(value) for value in judge.stats]
    names = [category["name"] for category in truth["categories"]]
    half = average_precisions(judge, ious=slice(1))
    columns = zip(names, average_precisions(judge), half, counts_by_class(judge, score=score), strict=True)
    return DetectionFigures(
        dict(zip((*FIGURES, *RECALL_FIGURES), stats, strict=True)),
        tuple(ClassFigures(*row) for row in columns),
        len(truth["images"]),
        score,
    )
