"""Rewriting of a graph for speed, without changing any output."""

from __future__ import annotations

from dataclasses import replace

from darknet_py.graph.graph import Graph, Node
from darknet_py.layers.merging.route import Route
from darknet_py.layers.pools.maxpool import MaxPool


def rewritten(graph: Graph) -> Graph:
    """The same nodes, some with a faster layer whose output is equal to the bit.

    [maxpool]s that read one map with stride 1 and the default padding, as the 5, 9 and 13 of yolov3-spp do
    through their routes, become a chain: each starts from the maxima of the largest pool before it that is
    not larger than itself. Gradients bypass the chain, from each pool to its first maximal cell.
    """
    nodes: list[Node] = []
    origin = {-1: -1}  # the layer that computed each map, without those that return their input
    pools: dict[int, list[Node]] = {}
    for node in graph:
        returns_input = isinstance(node.layer, Route) and node.layer.groups == 1 and len(node.inputs) == 1
        origin[node.index] = origin[node.inputs[0]] if returns_input else node.index
        siblings = pools.setdefault(origin[node.inputs[0]], [])
        nodes.append(_grown(node, siblings))
        siblings += [node] if isinstance(node.layer, MaxPool) else []
    return replace(graph, nodes=tuple(nodes))


def _grown(node: Node, siblings: list[Node]) -> Node:
    """The node, starting from the maxima of a sibling if one is suitable."""
    if not isinstance(node.layer, MaxPool):
        return node
    served = [(node.layer.grown_from(other.layer), other) for other in siblings]
    grown = [(layer.known, layer, other) for layer, other in served if layer]
    if not grown:
        return node
    _, layer, other = max(grown, key=lambda each: each[0])
    inputs, maps = (node.inputs[0], other.index), (node.maps[0], other.shape)
    return replace(node, layer=layer, inputs=inputs, maps=maps)
