"""From the network's raw maps to candidates: the boxes worth looking at, before NMS.

The rules are Darknet's (`get_yolo_detections`): a box counts when its objectness is above the threshold. It
may carry several classes, each with the score objectness * class; a score at or below the threshold is 0.
There is no arg-max.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

if TYPE_CHECKING:
    from darknet_py.graph.graph import Graph


class Candidates(NamedTuple):
    """Boxes of one image before NMS, in the order of the heads, rows, columns and anchors.

    Args:
        boxes_cxcywh_fraction: (B, 4), fractions of the network's input.
        scores: (B, K), 0 where at or below the threshold.
        dropped: how many boxes were not finite, or had a negative size.
    """

    boxes_cxcywh_fraction: Tensor
    scores: Tensor
    dropped: int


def candidates(graph: Graph, raws: Sequence[Tensor], *, threshold: float) -> list[Candidates]:
    """Decode the raw maps of every head, and keep what is above the threshold.

    Args:
        graph: the Graph whose heads made the maps.
        raws: one raw map (N, C, H, W) per head, in the order of `graph.heads`.
        threshold: of the objectness, and of each score; 0..1.

    Returns:
        One entry per image, on the CPU.
    """
    decoded = [
        head.decode(raw, graph.net.height, graph.net.width)
        for head, raw in zip(graph.head_layers, raws, strict=True)
    ]
    found = []
    for n in range(len(raws[0])):
        parts = [_above([each[n] for each in head], threshold) for head in decoded]
        boxes, scores, dropped = zip(*parts, strict=True)
        found.append(Candidates(torch.cat(boxes), torch.cat(scores), sum(dropped)))
    return found


def _above(decoded: Sequence[Tensor], threshold: float) -> Candidates:
    """What one head found in one image: boxes (B, 4), objectness (B,) and classes (B, K)."""
    kept = (decoded[1] > threshold) | ~decoded[1].isfinite()  # NaN is looked at, to be counted
    boxes, objectness, classes = (each[kept].cpu() for each in decoded)
    scores = objectness[:, None] * classes  # (B, K)
    valid = boxes.isfinite().all(dim=1) & (boxes[:, 2:] >= 0).all(dim=1) & scores.isfinite().all(dim=1)
    scores = scores[valid]
    return Candidates(boxes[valid], scores.where(scores > threshold, 0), int((~valid).sum()))
