"""How much of its map a pool covers, at every input size that training draws."""

from __future__ import annotations

from dataclasses import dataclass

from darknet_py.arithmetic.shape import Shape
from darknet_py.arithmetic.window import Axis
from darknet_py.graph.graph import Graph
from darknet_py.graph.input_sizes import input_sizes, shapes_at
from darknet_py.layers.pools.base import WindowPool
from darknet_py.layers.pools.pyramid import Pyramid


@dataclass(frozen=True)
class Coverage:
    """One pool at one input size: the map it reads, and the share of that map in its middle window."""

    index: int
    size: tuple[int, int]  # rows and columns of the input
    map: Shape
    share: float


def coverages(graph: Graph) -> list[Coverage]:
    """Each pool at each size where the maps fit: pools in order, sizes ascending."""
    pools = [node for node in graph if isinstance(node.layer, WindowPool | Pyramid)]
    found: list[Coverage] = []
    for size in input_sizes(graph):
        shapes = shapes_at(graph, *size)
        if shapes is None:
            continue
        for node in pools:
            source = node.inputs[0]
            read = shapes[source] if source >= 0 else Shape(graph.image.channels, *size)
            window, out = node.layer.window(read), node.layer.shape(read)
            rows = _share(window.rows, out.height, read.height)
            share = rows * _share(window.columns, out.width, read.width)
            found.append(Coverage(node.index, size, read, share))
    return sorted(found, key=lambda one: (one.index, one.size))


def _share(axis: Axis, cells: int, inside: int) -> float:
    """Of the cells along an axis, those that the middle one of `cells` windows reads."""
    return len(axis.inside(cells // 2, inside)) / inside
