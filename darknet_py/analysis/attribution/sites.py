"""Where a network pools: pools on their own, and blocks whose pools read one map and are concatenated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from darknet_py.graph.graph import Graph, Node
from darknet_py.layers.merging.route import Route
from darknet_py.layers.pools.base import WindowPool


@dataclass(frozen=True)
class Branch:
    """A pool.

    Args:
        layer: its index.
        size: side of its window, in cells.
        stride: of its window, rows and columns.
        smaller: the layer of the next smaller pool on the same map in its block; None: the map itself.
    """

    layer: int
    size: int
    stride: tuple[int, int]
    smaller: int | None


@dataclass(frozen=True)
class Site:
    """Pools of one map that are read together.

    Args:
        source: the layer whose map they read, -1 for the image.
        join: the layer that concatenates them; of a pool on its own the pool.
        branches: by ascending size.
    """

    source: int
    join: int
    branches: tuple[Branch, ...]

    @property
    def is_block(self) -> bool:
        """Whether a layer concatenates the branches."""
        return self.join != self.branches[-1].layer

    @property
    def behind(self) -> int:
        """The first layer that reads what the branches give."""
        return self.join if self.is_block else self.join + 1


def sites_of(graph: Graph) -> tuple[Site, ...]:
    """Every pool with a window of more than one cell, in the order of the cfg.

    Composite layers are to be expanded before.
    """
    origin = origins(graph)
    blocks = [block for node in graph if (block := _block(graph, node, origin))]
    taken = {branch.layer for block in blocks for branch in block.branches}
    alone = [
        Site(origin[node.inputs[0]], node.index, (_branch(node, None),))
        for node in graph
        if _is_pool(node) and node.index not in taken and node.index + 1 < len(graph)
    ]
    return tuple(sorted((*blocks, *alone), key=lambda site: site.join))


def _is_pool(node: Node) -> bool:
    layer = node.layer
    return isinstance(layer, WindowPool) and layer.channelwise and not layer.adaptive and layer.size > 1


def _branch(node: Node, smaller: int | None) -> Branch:
    layer = node.layer
    assert isinstance(layer, WindowPool)
    return Branch(node.index, layer.size, (layer.stride_y, layer.stride_x), smaller)


def origins(graph: Graph) -> dict[int, int]:
    """The layer that computed each map, without routes that return their input."""
    origin = {-1: -1}
    for node in graph:
        returns_input = isinstance(node.layer, Route) and node.layer.groups == 1 and len(node.inputs) == 1
        origin[node.index] = origin[node.inputs[0]] if returns_input else node.index
    return origin


def _block(graph: Graph, node: Node, origin: dict[int, int]) -> Site | None:
    """The block that a route concatenates, if it is one: two branches or more, all of one map."""
    if not isinstance(node.layer, Route) or node.layer.groups != 1 or len(node.inputs) < 2:
        return None
    pools = [graph[index] for index in node.inputs if index >= 0 and _is_pool(graph[index])]
    sources = {origin[pool.inputs[0]] for pool in pools}
    rest = {origin[index] for index in node.inputs} - {pool.index for pool in pools}
    if len(sources) != 1 or not rest <= sources:
        return None
    return Site(sources.pop(), node.index, _nested(pools))


def _nested(pools: Sequence[Node]) -> tuple[Branch, ...]:
    """Branches by ascending size, each with the next smaller of its kind."""
    branches: list[Branch] = []
    smaller: dict[type, int] = {}
    for pool in sorted(pools, key=lambda node: node.layer.window_sizes):
        branches.append(_branch(pool, smaller.get(type(pool.layer))))
        smaller[type(pool.layer)] = pool.index
    return tuple(branches)
