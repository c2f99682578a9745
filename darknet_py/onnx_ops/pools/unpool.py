"""Each value back where a max pool found it."""

from __future__ import annotations

import numpy as np

from darknet_py.arithmetic.window import bin_edges
from darknet_py.onnx_ops.nodes import Nodes
from darknet_py.onnx_ops.pools.windows import Windows


def unpooled(nodes: Nodes, values: str, x: str, windows: Windows) -> str:
    """(N, C, H', W') to the shape of `x`, which the pool reads; cells chosen twice get the sum.

    ONNX's pool gives the places of maxima in the full tensor, of equal cells the first.
    """
    if not windows.bins:
        return _scattered(nodes, values, x, **windows.attributes)
    rows, columns = nodes.sides("an adaptive pool divides the map", 2)
    layouts = [_layout(side, windows.bins) for side in (rows, columns)]
    laid_out, kernel = x, [len(cells) // windows.bins for cells, _ in layouts]
    masks = []
    for axis, (cells, there) in enumerate(layouts, start=2):
        laid_out = nodes.add("Gather", laid_out, nodes.array(cells), axis=axis)
        masks.append(nodes.array(there[:, None] if axis == 2 else there))
    hidden = nodes.add("Where", nodes.add("And", *masks), laid_out, nodes.constant(-np.inf))
    spread = _scattered(nodes, values, hidden, kernel_shape=kernel, strides=kernel)
    down, across = (_chosen(*layout, side) for layout, side in zip(layouts, (rows, columns), strict=True))
    gathered = nodes.add("MatMul", nodes.constant(down, "rows"), spread)
    return nodes.add("MatMul", gathered, nodes.constant(np.ascontiguousarray(across.T), "columns"))


def _scattered(nodes: Nodes, values: str, x: str, **attributes: list[int]) -> str:
    _, chosen = nodes.add_many("MaxPool", 2, x, **attributes)
    line = nodes.integers(-1)
    shape = nodes.add("Shape", x)
    zeros = nodes.add("ConstantOfShape", nodes.add("ReduceProd", shape, axes=[0], keepdims=1))
    flat = [nodes.add("Reshape", name, line) for name in (chosen, values)]
    spread = nodes.add("ScatterElements", zeros, *flat, axis=0, reduction="add")
    return nodes.add("Reshape", spread, shape)


def _layout(side: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """For each cell of bins laid side by side, its index in the map, and whether it lies in its bin."""
    edges = [bin_edges(number, count, side) for number in range(count)]
    widest = max(stop - start for start, stop in edges)
    cells = np.array([start + k for start, _ in edges for k in range(widest)])
    ends = np.array([stop for _, stop in edges for _ in range(widest)])
    return cells.clip(max=side - 1), cells < ends


def _chosen(cells: np.ndarray, there: np.ndarray, side: int) -> np.ndarray:
    """(side, cells of the layout): 1 where a cell of the layout is one of the map."""
    chosen: np.ndarray = (np.arange(side)[:, None] == cells) & there
    return chosen.astype(np.float32)
