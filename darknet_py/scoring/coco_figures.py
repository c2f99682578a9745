"""COCO's figures from stored matches, to the last bit those of pycocotools."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from darknet_py.scoring.matches import AREAS, MOST, THRESHOLDS, Bits, Matches
from darknet_py.scoring.tables import Doubles

RECALLS = np.linspace(0.0, 1.0, 101)
LIMITS = (1, 10, MOST)  # detections of a class in an image, of the recalls
COLUMN = len(THRESHOLDS)
FIGURES = ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large")
RECALL_FIGURES = ("ar1", "ar10", "ar100", "ar_small", "ar_medium", "ar_large")


@dataclass(frozen=True)
class CocoArrays:
    """The arrays of pycocotools' `COCOeval.eval`; -1 where a class has no truth.

    Args:
        precision: (10, 101, K, 4): IoU, recall, class, range of areas; with `MOST` detections.
        recall: (10, K, 4, 3): IoU, class, range of areas, limit of detections.
    """

    precision: Doubles
    recall: Doubles

    def figures(self) -> dict[str, float | None]:
        """COCO's twelve figures; None: there is no truth."""
        every = list(AREAS)
        figures = {"ap": _mean(self.precision[..., 0])}
        for name, at in (("ap50", 0), ("ap75", 5)):
            figures[name] = _mean(self.precision[at : at + 1, ..., 0])
        for number, area in enumerate(every[1:], start=1):
            figures[f"ap_{area}"] = _mean(self.precision[..., number])
        for number, limit in enumerate(LIMITS):
            figures[f"ar{limit}"] = _mean(self.recall[..., 0, number])
        for number, area in enumerate(every[1:], start=1):
            figures[f"ar_{area}"] = _mean(self.recall[..., number, -1])
        return figures

    def by_class(self) -> list[float | None]:
        """AP of each class; None: it has no truth."""
        return [_mean(self.precision[:, :, k, 0]) for k in range(self.precision.shape[2])]


def coco_arrays(matches: Matches) -> CocoArrays:
    """Precision at each recall, and recall, of every class."""
    classes = len(matches.category_ids)
    precision = -np.ones((COLUMN, len(RECALLS), classes, len(AREAS)))
    recall = -np.ones((COLUMN, classes, len(AREAS), len(LIMITS)))
    bits = (matches.truth_areas[:, None] >> np.arange(len(AREAS), dtype=np.uint8)) & 1
    truths = np.zeros((classes, len(AREAS)), np.int64)
    np.add.at(truths, matches.truth_labels, bits)
    for k in range(classes):
        part = slice(matches.starts[k], matches.starts[k + 1])
        for area in np.flatnonzero(truths[k]):
            hits, ignored = (_unpacked(one[part], int(area)) for one in (matches.hits, matches.ignored))
            true, false = hits & ~ignored, ~hits & ~ignored
            total = float(truths[k, area])
            precision[:, :, k, area] = _precision(true, false, total)
            for number, limit in enumerate(LIMITS):
                within = matches.ranks[part] < limit
                recall[:, k, area, number] = true[:, within].sum(axis=1) / total
    return CocoArrays(precision, recall)


def _unpacked(bits: Bits, area: int) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """The bits of one range of areas, (10, B)."""
    shifts = np.arange(area * COLUMN, (area + 1) * COLUMN, dtype=np.uint64)[:, None]
    return (bits >> shifts & np.uint64(1)).astype(np.bool_)


def _precision(
    true: np.ndarray[tuple[int, int], np.dtype[np.bool_]],
    false: np.ndarray[tuple[int, int], np.dtype[np.bool_]],
    truths: float,
) -> Doubles:
    """The greatest precision at each recall or beyond it, (10, 101)."""
    curve = np.zeros((COLUMN, len(RECALLS)))
    hits, misses = (one.cumsum(axis=1, dtype=np.float64) for one in (true, false))
    values = hits / (misses + hits + np.spacing(1))
    values = np.maximum.accumulate(values[:, ::-1], axis=1)[:, ::-1]
    for row, reached, best in zip(curve, hits / truths, values, strict=True):
        at = np.searchsorted(reached, RECALLS, side="left")
        inside = at < len(best)
        row[inside] = best[at[inside]]
    return curve


def _mean(values: Doubles) -> float | None:
    """The mean of what is known, in the order in which pycocotools adds."""
    known = values[values > -1]
    return float(np.mean(known)) if known.size else None
