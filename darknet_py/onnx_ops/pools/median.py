"""The median of windows: small ones by elimination of extremes, large ones sorted."""

from __future__ import annotations

import math

from darknet_py.onnx_ops.encoding import INT64
from darknet_py.onnx_ops.map import ones_like_map
from darknet_py.onnx_ops.nodes import Nodes
from darknet_py.onnx_ops.pools.cells import cells_of
from darknet_py.onnx_ops.pools.shifts import shifts, total
from darknet_py.onnx_ops.pools.windows import Windows

LARGEST = 5  # the size up to which elimination is faster


def median(nodes: Nodes, x: str, windows: Windows, *, lower: bool) -> str:
    """The middle of the cells that are in the map; of two middles their mean, or the lower one."""
    if windows.bins or windows.size > LARGEST:
        return _sorted_median(nodes, x, windows, lower=lower)
    cells = shifts(nodes, x, windows, 0)
    if len(cells) == 1:
        return cells[0]
    fills, is_even = _fills(nodes, x, windows)
    filled = [nodes.add("Add", cell, fill) for cell, fill in zip(cells, fills, strict=True)]
    if len(filled) % 2:  # then there is one middle; with one more cell there are two
        filled.append(nodes.constant(math.inf))
    low, high = _middles(nodes, filled)
    if lower:
        return low
    mean = nodes.add("Mul", nodes.add("Add", low, high), nodes.constant(0.5))
    return nodes.add("Where", is_even, mean, low)


def _fills(nodes: Nodes, x: str, windows: Windows) -> tuple[list[str], str]:
    """What is added to each cell, (1, 1, H', W'): 0 inside of the map, and infinities outside.

    As many of them are negative as put the lower middle of the existing cells in the middle of all.

    Returns: the maps, and whether the number of existing cells is even.
    """
    inside = shifts(nodes, ones_like_map(nodes, x), windows, 0)
    one, two, zero = nodes.constant(1), nodes.constant(2), nodes.constant(0)
    count = total(nodes, inside)
    lower = nodes.add("Floor", nodes.add("Div", nodes.add("Sub", count, one), two))
    below = nodes.add("Sub", nodes.constant((len(inside) - 1) // 2), lower)
    is_even = nodes.add("Equal", nodes.add("Mod", count, two, fmod=1), zero)
    fills, before = [], ""
    for there in inside:
        outside = nodes.add("Sub", one, there)
        number = nodes.add("Add", before, outside) if before else outside  # of those outside, from 1
        negative = nodes.add("LessOrEqual", number, below)
        fill = nodes.add("Where", negative, nodes.constant(-math.inf), nodes.constant(math.inf))
        fills.append(nodes.add("Where", nodes.add("Greater", there, zero), zero, fill))
        before = number
    return fills, is_even


def _middles(nodes: Nodes, cells: list[str]) -> tuple[str, str]:
    """The two middles of an even number of maps: of half of them plus two, no extreme is a middle."""
    kept, remaining = cells[: len(cells) // 2 + 2], cells[len(cells) // 2 + 2 :]
    while len(kept) > 2:
        kept = [*_without_extremes(nodes, kept), *remaining[:1]]
        remaining = remaining[1:]
    return nodes.add("Min", *kept), nodes.add("Max", *kept)


def _without_extremes(nodes: Nodes, cells: list[str]) -> list[str]:
    """All but the minimum and the maximum of three maps or more, number by number; in any order."""
    pairs = list(zip(cells[0 : len(cells) - 1 : 2], cells[1::2], strict=True))
    low, *lows = [nodes.add("Min", *pair) for pair in pairs]
    high, *highs = [nodes.add("Max", *pair) for pair in pairs]
    if len(cells) % 2:
        lows.append(cells[-1])
    inner = []
    for cell in lows:
        inner.append(nodes.add("Max", low, cell))
        low = nodes.add("Min", low, cell)
    if len(cells) % 2:
        highs.append(inner.pop())
    for cell in highs:
        inner.append(nodes.add("Min", high, cell))
        high = nodes.add("Max", high, cell)
    return inner


def _sorted_median(nodes: Nodes, x: str, windows: Windows, *, lower: bool) -> str:
    """The middle of the sorted cells, those outside of the map last; of two middles their mean."""
    cells = cells_of(nodes, x, windows)
    row = cells.in_a_row(cells.or_else(math.inf))
    size = nodes.add("Shape", row, start=4)
    ascending, _ = nodes.add_many("TopK", 2, row, size, axis=-1, largest=0)
    number = nodes.add("Range", nodes.scalar(0), nodes.add("Squeeze", size), nodes.scalar(1))
    inside = cells.in_a_row(nodes.add("Cast", cells.inside, to=INT64))
    count = nodes.add("ReduceSum", inside, nodes.integers(4), keepdims=1)

    def at(position: str) -> str:
        here = nodes.add("Equal", number, position)
        return nodes.add(
            "ReduceSum", nodes.add("Where", here, ascending, nodes.constant(0)), nodes.integers(4), keepdims=0
        )

    two = nodes.integers(2)
    first = at(nodes.add("Div", nodes.add("Sub", count, nodes.integers(1)), two))
    if lower:
        return first
    both = nodes.add("Add", first, at(nodes.add("Div", count, two)))
    return nodes.add("Mul", both, nodes.constant(0.5))
