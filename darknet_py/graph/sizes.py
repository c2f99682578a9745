"""Sizes of maps while a network is compiled: which layers have one, and the coarsest stride."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.diagnostics import Complaint
from darknet_py.graph.graph import Node

MOST_RANGES = 4


def layers_of_sizes(complaint: Complaint, maps: Sequence[Shape], before: Sequence[Shape | None]) -> str:
    """Which layers have the sizes of maps that differ: one of these was probably meant.

    Args:
        complaint: about maps that cannot be joined; where it is of another kind, nothing is said.
        before: the maps of all layers so far.
    """
    sizes = dict.fromkeys((map_.height, map_.width) for map_ in maps)
    if complaint.code != "shapes-differ" or len(sizes) < 2:
        return ""
    numbers = {
        size: [i for i, shape in enumerate(before) if shape and (shape.height, shape.width) == size]
        for size in sizes
    }
    found = [(size, of) for size, of in numbers.items() if of]
    return "; ".join(f"{_ranges(of)} {height}x{width}" for (height, width), of in found)


def _ranges(numbers: Sequence[int]) -> str:
    """Ascending numbers of layers as words, with the verb."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    words = [str(first) if first == last else f"{first} to {last}" for first, last in ranges]
    if len(words) > MOST_RANGES:
        words = [words[0], "...", *words[2 - MOST_RANGES :]]
    listed = " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
    return f"layer {listed} is" if len(numbers) == 1 else f"layers {listed} are"


def coarsest_strides(nodes: Sequence[Node]) -> tuple[int, int]:
    """Rows and columns of the input for a cell of the coarsest map of more than one cell.

    It needs no complete graph: what reads a layer that has an error is left out.
    """
    strides: dict[int, tuple[Fraction, Fraction]] = {-1: (Fraction(1), Fraction(1))}
    for node in nodes:
        source = node.inputs[0] if node.inputs else -1
        window = node.layer.window(*node.maps)
        paces = window.rows.pace, window.columns.pace
        if source in strides and all(paces) and node.shape.cells > 1:
            before = strides[source]
            strides[node.index] = before[0] * paces[0], before[1] * paces[1]
    return max(int(rows) for rows, _ in strides.values()), max(
        int(columns) for _, columns in strides.values()
    )
