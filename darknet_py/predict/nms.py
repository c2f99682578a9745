"""Non-maximum suppression as Darknet does it: per class, best first, and what overlaps a better box goes.

| nms_kind    | a later box goes when                                              |
|-------------|--------------------------------------------------------------------|
| default     | IoU > threshold                                                    |
| greedynms   | IoU - (d²/c²)^0.6 > threshold (so not the plain greedy NMS)        |
| diounms     | IoU - (d²/c²)^beta_nms > threshold                                 |
| cornersnms  | as default                                                         |

d is the distance of the centres and c the diagonal of the box around both. They depend on the unit: Darknet
takes fractions of the image in `detector test`, and pixels in `detector valid`.

Which boxes overlap does not depend on the class, so it is computed once for all classes, and a row of it is
kept as the bits of a Python integer: the loop over boxes and classes then needs no array operation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from darknet_py.boxes import xyxy_from_cxcywh
from darknet_py.ops.cells import Floats, Ints
from darknet_py.predict.detections import Detections

if TYPE_CHECKING:
    import numpy.typing as npt

PER_CLASS = 5_000
NMS_KINDS = ("default", "greedynms", "diounms", "cornersnms")


@dataclass(frozen=True)
class NmsSettings:
    """How boxes suppress each other.

    Args:
        threshold: of the overlap, 0..1.
        kind: as `nms_kind` of the last head.
        beta: as `beta_nms`; for `diounms` alone.
        per_class: how many of the best of a class take part. It bounds the time when the score threshold is
            0; Darknet has no such bound.
        keep_per_class: how many of a class remain at most, the best; without, all.
        keep: how many remain at most in all, the best; without, all.
        block: overlaps that are computed at once: 32k floats are 128 kB.
    """

    threshold: float = 0.45
    kind: str = "default"
    beta: float = 0.6
    per_class: int = PER_CLASS
    keep_per_class: int | None = None
    keep: int | None = None
    block: int = 1 << 15

    @property
    def exponent(self) -> float | None:
        """Of the distance that is subtracted from the IoU; None where none is."""
        return {"default": None, "cornersnms": None, "greedynms": 0.6, "diounms": self.beta}[self.kind]


def nms(boxes_cxcywh: Floats, scores: Floats, settings: NmsSettings) -> Detections:
    """Detections that remain, in descending score.

    Of equal scores the earlier box goes first, then the lower class. Darknet's `qsort` leaves that open.

    Args:
        boxes_cxcywh: (B, 4), in fractions of the image or in pixels.
        scores: (B, K); a score of 0 is no detection.

    Returns:
        Detections, with boxes_xyxy in the unit of the boxes given.
    """
    box, label = np.nonzero(scores > 0)  # (P,) pairs of a box and a class
    best_first = np.argsort(-scores[box, label], kind="stable")
    box, label = box[best_first], label[best_first]
    if len(label) > settings.per_class:
        taking_part = _ranks(label) < settings.per_class
        box, label = box[taking_part], label[taking_part]

    used, first, number = np.unique(box, return_index=True, return_inverse=True)
    by_score = np.argsort(first)  # boxes by their best score: the first are needed first
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        rivals = _Rivals(xyxy_from_cxcywh(boxes_cxcywh[used[by_score]]), settings)
        stays = _staying(np.argsort(by_score)[number].tolist(), label.tolist(), rivals)
    box, label = box[stays], label[stays]
    return Detections(xyxy_from_cxcywh(boxes_cxcywh[box]), scores[box, label], label)


def _ranks(labels: Ints) -> Ints:
    """The number of earlier pairs of the same class, for each pair."""
    by_class = np.argsort(labels, kind="stable")
    counts = np.bincount(labels)
    ranks = np.empty(len(labels), np.intp)
    ranks[by_class] = np.arange(len(labels)) - np.repeat(np.cumsum(counts) - counts, counts)
    return ranks


def _staying(boxes: list[int], labels: list[int], rivals: _Rivals) -> list[int]:
    """Which pairs of a box and a class stay, best first."""
    per_class, at_most = rivals.settings.keep_per_class, rivals.settings.keep
    beaten = [0] * (max(labels, default=0) + 1)  # by class, the boxes that overlap a better one, as bits
    kept = [0] * len(beaten)
    stays: list[int] = []
    for number, (box, label) in enumerate(zip(boxes, labels, strict=True)):
        if beaten[label] >> box & 1 or kept[label] == per_class:
            continue
        if len(stays) == at_most:
            break
        beaten[label] |= rivals.rows[box] or rivals.of(box)
        kept[label] += 1
        stays.append(number)
    return stays


class _Rivals:
    """Which boxes overlap a box too much, as the bits of an integer; rows are computed when first needed."""

    def __init__(self, boxes_xyxy: Floats, settings: NmsSettings) -> None:
        self.settings = settings
        self.rows = [0] * len(boxes_xyxy)  # 0 where it is not known, or nothing overlaps
        self._sides = np.ascontiguousarray(boxes_xyxy.T)  # (4, B)
        self._areas = (self._sides[2:] - self._sides[:2]).prod(axis=0)
        self._together = max(1, settings.block // max(1, len(boxes_xyxy)))
        self._known: set[int] = set()

    def of(self, box: int) -> int:
        """The rivals of a box."""
        number = box // self._together
        if number not in self._known:
            self._known.add(number)
            some = slice(number * self._together, (number + 1) * self._together)
            packed = np.packbits(self._matrix(some), axis=1, bitorder="little")
            self.rows[some] = [int.from_bytes(bits.tobytes(), "little") for bits in packed]
        return self.rows[box]

    def _matrix(self, rows: slice) -> npt.NDArray[np.bool_]:
        """(rows, B): whether two boxes overlap by more than the threshold."""
        left, top, right, bottom = self._sides
        width, height = np.minimum(right[rows, None], right), np.minimum(bottom[rows, None], bottom)
        width -= np.maximum(left[rows, None], left)
        height -= np.maximum(top[rows, None], top)
        common = np.multiply(np.maximum(width, 0, out=width), np.maximum(height, 0, out=height), out=width)
        union = np.add(self._areas[rows, None], self._areas, out=height)
        union -= common
        iou = np.divide(common, union, out=common)  # NaN, where both are 0, is not above
        above: npt.NDArray[np.bool_] = iou > self.settings.threshold
        exponent = self.settings.exponent
        if exponent is not None:
            places = np.flatnonzero(above)  # a distance only lowers the IoU
            one, other = np.divmod(places, above.shape[1])
            distances = self._centre_distances(one + rows.start, other)
            above.flat[places] = iou.reshape(-1)[places] - distances**exponent > self.settings.threshold
        return above

    def _centre_distances(self, one: Ints, other: Ints) -> Floats:
        """d²/c² of pairs of boxes, 0 where c is 0: Zheng et al., "Distance-IoU Loss", arXiv:1911.08287."""
        a, b = self._sides[:, one], self._sides[:, other]
        span = np.maximum(a[2:], b[2:]) - np.minimum(a[:2], b[:2])
        offset = (a[:2] + a[2:] - b[:2] - b[2:]) / 2
        diagonal = (span**2).sum(axis=0)
        return np.where(diagonal > 0, (offset**2).sum(axis=0) / diagonal, 0).astype(a.dtype)
