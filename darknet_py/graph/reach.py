"""What every node sees of the image, and its stride: one fold over the graph."""

from __future__ import annotations

from functools import reduce

from darknet_py.arithmetic.window import Field
from darknet_py.graph.graph import Graph


def fields(graph: Graph) -> list[Field]:
    """The receptive field of every layer, in order; the largest over the maps that it reads."""
    found: list[Field] = []
    for node in graph:
        sources = [found[i] if i >= 0 else Field() for i in node.inputs]
        found.append(reduce(Field.join, sources).then(node.layer.window(*node.maps)))
    return found


def widest(graph: Graph) -> list[int]:
    """Rows and columns that one cell of the output that sees most sees of the image."""
    seen = fields(graph)
    return [max(seen[i].reach[axis] for i in graph.outputs) for axis in (0, 1)]
