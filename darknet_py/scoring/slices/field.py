"""The share of an object that a head can see: of its box, what lies in the receptive field at its middle.

The field is that of the head's cell in which the middle of the box lies, clipped at the borders, see
`graph/reach.py`. Of several heads the greatest share counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from darknet_py.graph.graph import Graph
from darknet_py.graph.reach import ClippedField, PixelRanges, clipped_fields
from darknet_py.scoring.tables import DetectionTable, Doubles, TruthTable

if TYPE_CHECKING:
    from darknet_py.predict.letterbox import Fit


def share_in_field(graph: Graph, table: TruthTable | DetectionTable, fits: Sequence[Fit]) -> Doubles:
    """The share of each box that the best head sees, 0..1, (B,).

    Args:
        fits: how each image of the truth is fitted to the network's input.
    """
    image, inner, whole = (
        np.array([getattr(fit, name)[::-1] for fit in fits], np.float64).reshape(-1, 2)[table.images]
        for name in ("image_size", "inner_size", "net_size")
    )  # of each box: width and height
    corners = table.boxes_xywh[:, :2] * inner / image + (whole - inner) / 2
    sides = table.boxes_xywh[:, 2:] * inner / image
    fields, size = clipped_fields(graph), (graph.image.height, graph.image.width)
    shares = [_shares(fields[head], size, corners, sides) for head in graph.outputs]
    best: Doubles = np.max(shares, axis=0)
    return best


def _shares(field: ClippedField, size: tuple[int, int], corners: Doubles, sides: Doubles) -> Doubles:
    share = np.ones(len(corners))
    for axis, (ranges, pixels) in enumerate(((field.columns, size[1]), (field.rows, size[0]))):
        share *= _share_of_side(ranges, pixels, corners[:, axis], sides[:, axis])
    return share


def _share_of_side(ranges: PixelRanges, pixels: int, starts: Doubles, lengths: Doubles) -> Doubles:
    """Of the side of each box, the share inside the image and the field of the cell at its middle."""
    cells = len(ranges.firsts)
    at = np.clip(((starts + lengths / 2) * cells / pixels).astype(np.int64), 0, cells - 1)
    first, last = np.array(ranges.firsts, np.float64)[at], np.array(ranges.lasts, np.float64)[at] + 1
    low, high = np.clip(starts, 0, pixels), np.clip(starts + lengths, 0, pixels)
    seen = np.maximum(0, np.minimum(high, last) - np.maximum(low, first))
    share: Doubles = np.divide(seen, high - low, out=np.zeros(len(starts)), where=high > low)
    return share
