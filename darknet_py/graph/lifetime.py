"""When each map is last read, so that it can be let go."""

from __future__ import annotations

from darknet_py.graph.graph import Graph


def last_uses(graph: Graph) -> list[tuple[int, ...]]:
    """For each node, the maps (by index, -1 for the image) that nobody reads after it; outputs are kept."""
    last: dict[int, int] = {}
    for node in graph:
        last.setdefault(node.index, node.index)
        last.update(dict.fromkeys(node.inputs, node.index))
    done: list[list[int]] = [[] for _ in graph]
    for source, reader in last.items():
        if source not in graph.outputs:
            done[reader].append(source)
    return [tuple(sources) for sources in done]


def peak_floats(graph: Graph) -> int:
    """The most numbers that the maps of one image take at once, a layer's inputs and output together."""
    held = {-1: graph.image.floats}
    most = 0
    for node, done in zip(graph, last_uses(graph), strict=True):
        held[node.index] = node.shape.floats
        most = max(most, sum(held.values()))
        for index in done:
            held.pop(index, None)
    return most
