"""Non-maximum suppression as Darknet does it: per class, best first, and what overlaps a better box goes.

| nms_kind    | a later box goes when                                              |
|-------------|--------------------------------------------------------------------|
| default     | IoU > threshold                                                    |
| greedynms   | IoU - (d²/c²)^0.6 > threshold (so not the plain greedy NMS)        |
| diounms     | IoU - (d²/c²)^beta_nms > threshold                                 |
| cornersnms  | as default                                                         |

d is the distance of the centres and c the diagonal of the box around both. They depend on the unit: Darknet
takes fractions of the image in `detector test`, and pixels in `detector valid`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from darknet_py.boxes import distance_iou, xyxy_from_cxcywh
from darknet_py.predict.detections import Detections

PER_CLASS = 5_000
Suppress = Callable[[Tensor], Tensor]  # boxes_xyxy (B, 4), best first -> which of them stay (B,)


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
        block: rows of the matrix of overlaps that are in memory at once: 256 x 5,000 floats are 5 MB.
    """

    threshold: float = 0.45
    kind: str = "default"
    beta: float = 0.6
    per_class: int = PER_CLASS
    keep_per_class: int | None = None
    keep: int | None = None
    block: int = 256

    def suppress(self) -> Suppress:
        """The rule of the kind."""
        if self.kind in ("default", "cornersnms"):
            return partial(_by_iou, threshold=self.threshold)
        beta = {"greedynms": 0.6, "diounms": self.beta}[self.kind]
        return partial(_by_distance, threshold=self.threshold, beta=beta, block=self.block)


def nms(boxes_cxcywh: Tensor, scores: Tensor, settings: NmsSettings) -> Detections:
    """Detections that remain, in descending score.

    Of equal scores the earlier box goes first, then the lower class. Darknet's `qsort` leaves that open.

    Args:
        boxes_cxcywh: (B, 4), in fractions of the image or in pixels.
        scores: (B, K); a score of 0 is no detection.

    Returns:
        Detections, with boxes_xyxy in the unit of the boxes given.
    """
    suppress = settings.suppress()
    boxes_xyxy = xyxy_from_cxcywh(boxes_cxcywh)
    box, label = (scores > 0).nonzero(as_tuple=True)  # (P,) pairs of a box and a class
    best_first = scores[box, label].argsort(descending=True, stable=True)
    box, label = box[best_first], label[best_first]

    stays = torch.zeros(len(box), dtype=torch.bool)
    by_class = torch.split(label.argsort(stable=True), label.bincount().tolist()) if len(label) else ()
    for pairs in (group[: settings.per_class] for group in by_class if len(group)):
        boxes = boxes_xyxy[box[pairs]]
        stays[pairs] = _best(boxes, suppress, settings.keep_per_class) if len(pairs) > 1 else True
    box, label = box[stays][: settings.keep], label[stays][: settings.keep]
    return Detections(boxes_xyxy[box], scores[box, label], label)


def _best(boxes_xyxy: Tensor, suppress: Suppress, keep: int | None) -> Tensor:
    """Which boxes stay; with `keep` the first of them that many. What stays depends on better boxes alone."""
    if keep is None:
        return suppress(boxes_xyxy)
    first, stays = 4 * keep, suppress(boxes_xyxy[: 4 * keep])
    while first < len(boxes_xyxy) and stays.sum() < keep:
        first *= 4
        stays = suppress(boxes_xyxy[:first])
    stays &= stays.cumsum(0) <= keep
    return torch.cat([stays, stays.new_zeros(len(boxes_xyxy) - len(stays))])


def _by_iou(boxes_xyxy: Tensor, *, threshold: float) -> Tensor:
    from torchvision.ops import nms as torchvision_nms  # late: importing it doubles the start-up

    # Class by class, not `batched_nms`: that one separates classes by adding to the coordinates, and
    # fractions lose digits. Ranks for scores, so that equal scores keep their order.
    rank = torch.arange(len(boxes_xyxy), 0, -1, dtype=boxes_xyxy.dtype)
    stays = torch.zeros(len(boxes_xyxy), dtype=torch.bool)
    stays[torchvision_nms(boxes_xyxy, rank, threshold)] = True
    return stays


def _by_distance(boxes_xyxy: Tensor, *, threshold: float, beta: float, block: int) -> Tensor:
    stays = torch.ones(len(boxes_xyxy), dtype=torch.bool)
    for start in range(0, len(stays), block):
        rows = start + stays[start : start + block].nonzero()[:, 0]
        rivals = distance_iou(boxes_xyxy[rows], boxes_xyxy[rows], beta=beta) > threshold
        stays[rows] = _first_wins(rivals)
        winners = rows[stays[rows]]
        later = start + block + stays[start + block :].nonzero()[:, 0]
        if len(later):
            beaten = distance_iou(boxes_xyxy[winners], boxes_xyxy[later], beta=beta) > threshold
            stays[later] = ~beaten.any(dim=0)
    return stays


def _first_wins(rivals: Tensor) -> Tensor:
    matrix = rivals.numpy()
    stays = torch.ones(len(matrix), dtype=torch.bool)
    alive = stays.numpy()  # the same memory
    for row in range(len(matrix)):
        if alive[row]:
            alive[row + 1 :] &= ~matrix[row, row + 1 :]
    return stays
