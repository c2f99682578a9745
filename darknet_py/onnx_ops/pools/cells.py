"""The cells of every window, gathered: for pools that ONNX has no operator for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from darknet_py.arithmetic.window import bin_edges
from darknet_py.onnx_ops.encoding import FLOAT
from darknet_py.onnx_ops.nodes import Nodes
from darknet_py.onnx_ops.pools.windows import Windows

WITHIN = [3, 5]  # the axes of a window's cells
ROWS, COLUMNS = [0, 1, 4, 5], [0, 1, 2, 3]  # the axes that a mask of rows lacks, and one of columns


@dataclass(frozen=True)
class WindowCells:
    """The cells of every window, (N, C, H', rows of a window, W', columns of a window).

    Args:
        values: those outside of the map have the value of some cell of it.
        inside: which of them are in the map, with 1 for N and C.
    """

    nodes: Nodes
    values: str
    inside: str

    def or_else(self, number: float) -> str:
        """The cells, with a number in place of those outside of the map."""
        return self.nodes.add("Where", self.inside, self.values, self.nodes.constant(number))

    def total(self, numbers: str) -> str:
        """The sum of each window, (N, C, H', 1, W', 1)."""
        return self.nodes.add("ReduceSum", numbers, self.nodes.integers(*WITHIN), keepdims=1)

    def extreme(self, kind: str, numbers: str) -> str:
        """The ReduceMax or the ReduceMin of each window, (N, C, H', 1, W', 1)."""
        return self.nodes.add(kind, numbers, axes=WITHIN, keepdims=1)

    def count(self) -> str:
        """How many cells of each window are in the map, (1, 1, H', 1, W', 1)."""
        return self.total(self.nodes.add("Cast", self.inside, to=FLOAT))

    def as_map(self, windows: str) -> str:
        """(N, C, H', 1, W', 1) to (N, C, H', W')."""
        return self.nodes.add("Squeeze", windows, self.nodes.integers(*WITHIN))

    def in_a_row(self, numbers: str) -> str:
        """The cells of each window along the last axis, (N, C, H', W', S)."""
        ordered = self.nodes.add("Transpose", numbers, perm=[0, 1, 2, 4, 3, 5])
        outer = self.nodes.add("Shape", ordered, end=4)
        shape = self.nodes.add("Concat", outer, self.nodes.integers(-1), axis=0)
        return self.nodes.add("Reshape", ordered, shape)


def cells_of(nodes: Nodes, x: str, windows: Windows) -> WindowCells:
    """Gather the rows of windows, then their columns."""
    masks = []
    source = x
    for axis, (into, absent) in enumerate(((2, ROWS), (4, COLUMNS))):
        index, inside = _bins(nodes, windows, axis) if windows.bins else _rows(nodes, source, windows, axis)
        x = nodes.add("Gather", x, index, axis=into)
        masks.append(nodes.add("Unsqueeze", inside, nodes.integers(*absent)))
    return WindowCells(nodes, x, nodes.add("And", *masks))


def _rows(nodes: Nodes, x: str, windows: Windows, axis: int) -> tuple[str, str]:
    """For each window (H') and each of its rows, the row of the map, and whether there is one."""
    side = nodes.add("Shape", x, start=axis + 2, end=axis + 3)
    stride = windows.strides[axis]
    room = nodes.add("Add", side, nodes.integers(windows.padding - windows.size))
    count = nodes.add("Add", nodes.add("Div", room, nodes.integers(stride)), nodes.integers(1))
    zero, one = nodes.scalar(0), nodes.scalar(1)
    numbers = nodes.add("Range", zero, nodes.add("Squeeze", count), one)
    starts = nodes.add("Mul", nodes.add("Unsqueeze", numbers, nodes.integers(1)), nodes.integers(stride))
    offsets = nodes.integers(*(k - windows.padding // 2 for k in range(windows.size)))
    rows = nodes.add("Add", starts, offsets)
    inside = nodes.add("And", nodes.add("GreaterOrEqual", rows, zero), nodes.add("Less", rows, side))
    last = nodes.add("Sub", side, nodes.integers(1))
    return nodes.add("Max", nodes.add("Min", rows, last), zero), inside


def _bins(nodes: Nodes, windows: Windows, axis: int) -> tuple[str, str]:
    """The same for bins, each filled up to the size of the widest."""
    side = nodes.sides("an adaptive pool divides the map")[axis]
    edges = [bin_edges(number, windows.bins, side) for number in range(windows.bins)]
    widest = max(stop - start for start, stop in edges)
    rows = np.array([[start + k for k in range(widest)] for start, _ in edges], np.int64)
    inside = rows < np.array([[stop] for _, stop in edges])
    return nodes.array(rows.clip(max=side - 1)), nodes.array(inside)
