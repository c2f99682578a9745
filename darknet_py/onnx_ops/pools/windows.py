"""Pools by ONNX's own operators. Their padding is no cell of the map: never chosen, never counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from darknet_py.arithmetic.window import bin_edges
from darknet_py.onnx_ops.map import concatenated
from darknet_py.onnx_ops.nodes import Nodes

SQUARE = 5  # the size up to which a square window is as fast as one of rows, then one of columns


@dataclass(frozen=True)
class Windows:
    """Square windows on a map: size, strides over (rows, columns), total padding of an axis; or bins.

    Args:
        bins: rows and columns of the output, instead of size and stride; 0: none.
    """

    size: int
    strides: tuple[int, int]
    padding: int
    bins: int = 0

    @property
    def around_each_cell(self) -> bool:
        """Whether there is a window around every cell: stride 1 and the default padding."""
        return not self.bins and self.strides == (1, 1) and self.padding == self.size - 1

    @property
    def attributes(self) -> dict[str, list[int]]:
        """Those of ONNX's pools.

        What the last window leaves of the padding is not read, so that one padding suits every size.
        """
        before = [self.padding // 2] * 2
        after = [self.padding - self.padding // 2] * 2
        sides = [self.size] * 2
        return {"kernel_shape": sides, "strides": list(self.strides), "pads": before + after}


def maximum(nodes: Nodes, x: str, windows: Windows) -> str:
    """The maximum of the cells of each window that lie in the map."""
    if windows.bins:
        return _of_bins(nodes, x, windows.bins, "MaxPool")
    if windows.size == 1 and windows.strides == (1, 1):
        return x
    if windows.around_each_cell:
        return grown_maximum(nodes, x, 1, windows.size)
    return nodes.add("MaxPool", x, **windows.attributes)


def grown_maximum(nodes: Nodes, maxima: str, known: int, size: int) -> str:
    """The maximum around each cell, of windows of `size`, from the maxima of windows of `known`.

    Windows of a cell and its neighbours together are a larger window, at the border too. A window of many
    cells is one of rows, then one of columns.
    """
    before, after = (size - 1) // 2 - (known - 1) // 2, size // 2 - known // 2
    if not before + after:
        return maxima
    both = [[True, True]] if before + after < SQUARE else [[True, False], [False, True]]
    for axes in both:
        kernel = [before + after + 1 if along else 1 for along in axes]
        pads = [side if along else 0 for side in (before, after) for along in axes]
        maxima = nodes.add("MaxPool", maxima, kernel_shape=kernel, strides=[1, 1], pads=pads)
    return maxima


def mean(nodes: Nodes, x: str, windows: Windows) -> str:
    """The mean of the cells of each window that lie in the map."""
    if windows.bins:
        return _of_bins(nodes, x, windows.bins, "AveragePool")
    return nodes.add("AveragePool", x, count_include_pad=0, **windows.attributes)


def max_over_channels(nodes: Nodes, x: str, out_channels: int) -> str:
    """g is the maximum of channels g, g + out_channels, ..."""
    groups = [
        nodes.add("Slice", x, *(nodes.integers(i) for i in (g, nodes.channels, 1, out_channels)))
        for g in range(out_channels)
    ]
    return concatenated(nodes, [nodes.add("ReduceMax", group, axes=[1], keepdims=1) for group in groups])


def _of_bins(nodes: Nodes, x: str, count: int, pool: str) -> str:
    """Bins by one pool where they are equal; else the bins of rows one by one, then those of columns."""
    if count == 1:
        return nodes.add(f"Global{pool}", x)
    sides = nodes.sides(f"an adaptive pool of {count} x {count} divides the map")
    if not any(side % count for side in sides):
        kernel = [side // count for side in sides]
        return nodes.add(pool, x, kernel_shape=kernel, strides=kernel)
    reduce = "ReduceMax" if pool == "MaxPool" else "ReduceMean"
    for axis, side in enumerate(sides, start=2):
        bins = []
        for number in range(count):
            edges = (nodes.integers(edge) for edge in bin_edges(number, count, side))
            part = nodes.add("Slice", x, *edges, nodes.integers(axis))
            bins.append(nodes.add(reduce, part, axes=[axis], keepdims=1))
        x = nodes.add("Concat", *bins, axis=axis)
    return x


def maxima(nodes: Nodes, x: str, sizes: Sequence[int]) -> list[str]:
    """The maxima around each cell of windows of several sizes, each from those of the next smaller one."""
    known, found = 1, {1: x}
    for size in sorted(sizes):
        x = found[size] = grown_maximum(nodes, x, known, size)
        known = size
    return [found[size] for size in sizes]
