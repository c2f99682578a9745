"""From the network's raw maps to candidates: the boxes worth looking at, before NMS.

The rules are Darknet's (`get_yolo_detections`): a box counts when its objectness is above the threshold. It
may carry several classes, each with the score objectness * class; a score at or below the threshold is 0.
There is no arg-max.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from darknet_py.ops.cells import Floats

if TYPE_CHECKING:
    from darknet_py.graph.graph import Graph


class Candidates(NamedTuple):
    """Boxes of one image before NMS, in the order of the heads, rows, columns and anchors.

    Args:
        boxes_cxcywh_fraction: (B, 4), fractions of the network's input.
        scores: (B, K), 0 where at or below the threshold.
        dropped: how many boxes were not finite, or had a negative size.
    """

    boxes_cxcywh_fraction: Floats
    scores: Floats
    dropped: int


def candidates(graph: Graph, raws: Sequence[Floats], *, threshold: float) -> list[Candidates]:
    """Decode the raw maps of every head, and keep what is above the threshold.

    Args:
        graph: the Graph whose heads made the maps.
        raws: one raw map (N, C, H, W) per head, in the order of `graph.heads`.
        threshold: of the objectness, and of each score; 0..1.

    Returns:
        One entry per image.
    """
    net_size, count = (graph.net.height, graph.net.width), len(raws[0])
    with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is dropped and counted
        decoded = [
            head.predictions(raw, net_size, threshold=threshold)
            for head, raw in zip(graph.head_layers, raws, strict=True)
        ]
        images, boxes, objectness, classes = map(np.concatenate, zip(*decoded, strict=True))
        scores = objectness[:, None] * classes  # (B, K)
    valid = np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] >= 0).all(axis=1) & np.isfinite(scores).all(axis=1)
    scores[scores <= threshold] = 0
    dropped = np.bincount(images[~valid], minlength=count)
    kept = np.flatnonzero(valid)
    kept = kept[np.argsort(images[kept], kind="stable")]
    ends = np.cumsum(np.bincount(images[kept], minlength=count))[:-1]
    parts = zip(np.split(boxes[kept], ends), np.split(scores[kept], ends), dropped.tolist(), strict=True)
    return [Candidates(*part) for part in parts]
