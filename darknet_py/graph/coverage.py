"""How much of its map a pool sees, at every size of the input that training draws."""

from __future__ import annotations

from dataclasses import dataclass

from darknet_py.arithmetic.shape import Shape
from darknet_py.arithmetic.sizes import training_sizes
from darknet_py.arithmetic.window import Axis
from darknet_py.graph.graph import Graph
from darknet_py.layers.heads.head import Head
from darknet_py.layers.pools.base import WindowPool
from darknet_py.layers.pools.pyramid import Pyramid
from darknet_py.lint.maps import shapes_at


@dataclass(frozen=True)
class Coverage:
    """One pool at one size of the input: its map, and what share of it the middle window covers."""

    index: int
    size: tuple[int, int]  # rows and columns of the input
    map: Shape
    share: float


def sizes_of(graph: Graph) -> list[tuple[int, int]]:
    """Rows and columns of every input that training draws, the least first; of a plain cfg its one size."""
    head = graph[graph.heads[-1]].layer if graph.heads else None
    random = head.random if isinstance(head, Head) else 0.0
    return training_sizes(graph.net.height, graph.net.width, random, graph.net.resize_step)


def coverages(graph: Graph) -> list[Coverage]:
    """Each pool at each size where the maps fit: pools in order, sizes ascending."""
    pools = [node for node in graph if isinstance(node.layer, WindowPool | Pyramid)]
    found: list[Coverage] = []
    for size in sizes_of(graph):
        shapes = shapes_at(graph, *size)
        for node in pools if shapes else ():
            source = node.inputs[0]
            read = shapes[source] if source >= 0 else Shape(graph.image.channels, *size)  # type: ignore[index]
            window = node.layer.window(read)
            out = node.layer.shape(read)
            rows = _share(window.rows, out.height, read.height)
            found.append(
                Coverage(node.index, size, read, rows * _share(window.columns, out.width, read.width))
            )
    return sorted(found, key=lambda one: (one.index, one.size))


def _share(axis: Axis, cells: int, inside: int) -> float:
    """Of the cells along an axis, those that the middle one of `cells` windows reads."""
    return len(axis.inside(cells // 2, inside)) / inside
