"""The windows of small pools as shifted maps: one for each cell of a window, of the output's size."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from darknet_py.onnx_ops.map import ones_like_map
from darknet_py.onnx_ops.nodes import Nodes
from darknet_py.onnx_ops.pools.windows import Windows

MOST = 49  # cells of a window; beyond, a graph of so many nodes is slower than gathering the cells
LOWEST = float(np.finfo(np.float32).min)  # for cells outside: its exponential is 0, and 0 times it is 0
END = np.iinfo(np.int64).max


def are_small(windows: Windows) -> bool:
    """Whether windows are computed as shifted maps."""
    return not windows.bins and windows.size**2 <= MOST


def shifts(nodes: Nodes, x: str, windows: Windows, outside: float) -> list[str]:
    """The cells of every window, row by row: (N, C, H', W') each.

    Args:
        outside: the number of cells outside of the map.
    """
    before, after = windows.padding // 2, windows.padding - windows.padding // 2
    if windows.padding:
        pads = nodes.integers(0, 0, before, before, 0, 0, after, after)
        x = nodes.add("Pad", x, pads, nodes.constant(outside))
    rows = [_every(nodes, x, 2, offset, windows) for offset in range(windows.size)]
    return [_every(nodes, row, 3, offset, windows) for row in rows for offset in range(windows.size)]


def _every(nodes: Nodes, x: str, axis: int, offset: int, windows: Windows) -> str:
    """Of every window, the row or the column `offset`."""
    last, stride = offset - windows.size + 1, windows.strides[axis - 2]
    if (offset, last, stride) == (0, 0, 1):
        return x
    bounds = (nodes.integers(number) for number in (offset, last or END, axis, stride))
    return nodes.add("Slice", x, *bounds)


def counts(nodes: Nodes, x: str, windows: Windows) -> str:
    """How many cells of each window are in the map, (1, 1, H', W')."""
    return total(nodes, shifts(nodes, ones_like_map(nodes, x), windows, 0))


def total(nodes: Nodes, maps: Iterable[str]) -> str:
    """The sum of maps."""
    result = ""
    for one in maps:
        result = nodes.add("Add", result, one) if result else one
    return result
