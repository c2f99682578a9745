"""COCO's figures from stored matches, to the last bit those of pycocotools."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from darknet_py.scoring.matches import AREAS, CELLS, MOST, THRESHOLDS, Bits, Matches
from darknet_py.scoring.tables import Booleans, Doubles, Ints

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

    def by_class(self, *, ious: slice = slice(None)) -> list[float | None]:
        """AP of each class; None: it has no truth.

        Args:
            ious: of the ten thresholds; `slice(1)` is .5.
        """
        return [_mean(self.precision[ious, :, k, 0]) for k in range(self.precision.shape[2])]


def coco_arrays(matches: Matches) -> CocoArrays:
    """Precision at each recall, and recall, of every class."""
    classes = len(matches.category_ids)
    precision = -np.ones((COLUMN, len(RECALLS), classes, len(AREAS)))
    recall = -np.ones((COLUMN, classes, len(AREAS), len(LIMITS)))
    truths = matches.truths_per_class()
    for k in range(classes):
        part = slice(matches.starts[k], matches.starts[k + 1])
        hits, ignored = (_cells(one[part]) for one in (matches.hits, matches.ignored))
        true, false, ranks = hits & ~ignored, ~hits & ~ignored, matches.ranks[part]
        for area in np.flatnonzero(truths[k]):
            rows = slice(area * COLUMN, (area + 1) * COLUMN)
            total = float(truths[k, area])
            of, at = true[rows].nonzero()
            misses = false[rows].cumsum(axis=1, dtype=np.int32)[of, at]
            precision[:, :, k, area] = _precision(of, misses, total)
            for number, limit in enumerate(LIMITS):
                found = np.bincount(of[ranks[at] < limit], minlength=COLUMN)
                recall[:, k, area, number] = found / total
    return CocoArrays(precision, recall)


def _cells(bits: Bits) -> Booleans:
    """The bits of detections, (CELLS, B)."""
    octets = np.ascontiguousarray(bits).view(np.uint8).reshape(-1, 8)[:, : CELLS // 8]
    return np.unpackbits(np.ascontiguousarray(octets.T), axis=0, bitorder="little").view(np.bool_)


def _precision(rows: Ints, misses: npt.NDArray[np.int32], truths: float) -> Doubles:
    """The greatest precision at each recall or beyond it, (10, 101).

    Only true detections are read: behind one, false ones lower the precision and leave the recall.

    Args:
        rows: the IoU threshold of each true detection, ascending, then by falling score.
        misses: false detections before each.
    """
    curve = np.zeros((COLUMN, len(RECALLS)))
    for row, part in enumerate(np.split(misses, np.searchsorted(rows, np.arange(1, COLUMN)))):
        hits = np.arange(1.0, len(part) + 1)
        best = np.maximum.accumulate((hits / (part + hits + np.spacing(1)))[::-1])[::-1]
        at = np.searchsorted(hits / truths, RECALLS, side="left")
        inside = at < len(best)
        curve[row, inside] = best[at[inside]]
    return curve


def _mean(values: Doubles) -> float | None:
    """The mean of what is known, in the order in which pycocotools adds."""
    known = values[values > -1]
    return float(np.mean(known)) if known.size else None
