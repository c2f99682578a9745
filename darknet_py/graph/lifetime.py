"""The lifetime of maps: when each is last read, so that it can be freed."""

from __future__ import annotations

from darknet_py.graph.graph import Graph


def last_uses(graph: Graph) -> list[tuple[int, ...]]:
    """For each node, the maps (by index, -1 for the image) that no later node reads; outputs are kept."""
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
    """The peak count of numbers in the live maps of one image, a layer's inputs and output included."""
    live = {-1: graph.image.floats}
    most = 0
    for node, done in zip(graph, last_uses(graph), strict=True):
        live[node.index] = node.shape.floats
        most = max(most, sum(live.values()))
        for index in done:
            live.pop(index, None)
    return most
