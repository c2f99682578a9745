"""From the network's raw maps to candidates: the boxes worth looking at, before NMS.

The rules are Darknet's (`get_yolo_detections`): a box counts when its objectness is above the threshold. It
may carry several classes, each with the score objectness * class; a score at or below the threshold is 0.
There is no arg-max.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

if TYPE_CHECKING:
    from darknet_py.graph.graph import Graph


@dataclass(frozen=True, eq=False)
class Detections:
    """What was found in one image, best first.

    Args:
        boxes_xyxy: (B, 4), in the unit of whoever made them; a Detector gives pixels of the image.
        scores: (B,), 0..1.
        labels: (B,), class index.
        dropped: how many boxes were thrown away because they were not finite, or had a negative size.
    """

    boxes_xyxy: Tensor
    scores: Tensor
    labels: Tensor
    dropped: int = 0

    def __len__(self) -> int:
        """How many detections there are."""
        return len(self.scores)


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
    found = [_of_head(graph, head, raw, threshold) for head, raw in zip(graph.heads, raws, strict=True)]
    return [_joined(parts) for parts in zip(*found, strict=True)]


def _of_head(graph: Graph, head: int, raw: Tensor, threshold: float) -> list[Candidates]:
    layer: Any = graph[head].layer  # a Head
    boxes, objectness, classes = layer.decode(raw, graph.net.height, graph.net.width)
    worth = (objectness > threshold) | ~objectness.isfinite()  # (N, B); NaN is looked at, to be counted
    parts = [(boxes[n][kept], objectness[n][kept], classes[n][kept]) for n, kept in enumerate(worth)]
    return [_sound(b.cpu(), o.cpu(), c.cpu(), threshold) for b, o, c in parts]


def _sound(boxes: Tensor, objectness: Tensor, classes: Tensor, threshold: float) -> Candidates:
    scores = objectness[:, None] * classes  # (B, K)
    sound = boxes.isfinite().all(dim=1) & (boxes[:, 2:] >= 0).all(dim=1) & scores.isfinite().all(dim=1)
    scores = scores[sound]
    return Candidates(boxes[sound], scores.where(scores > threshold, 0), int((~sound).sum()))


def _joined(parts: Sequence[Candidates]) -> Candidates:
    boxes, scores, dropped = zip(*parts, strict=True)
    return Candidates(torch.cat(boxes), torch.cat(scores), sum(dropped))
