"""Rules about the maps that layers read, and those that nobody reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.diagnostics import Complaint, Refused
from darknet_py.graph.graph import Graph, Node
from darknet_py.layers.merging.route import Route
from darknet_py.lint.base import GraphRule, LayerComplaint


def counts_net(graph: Graph) -> Iterator[LayerComplaint]:
    """References to the first layer of a smaller map: who counts [net] as layer 0 writes one too much.

    They are suspected only where the layer before would fit as well: of this reference, or of all of them.
    """
    suspects = [(node, at) for node in graph for at in _first_of_their_size(graph, node)]
    if not suspects:
        return
    together = _fits(graph, suspects)
    for node, reference in suspects:
        if together or _fits(graph, [(node, reference)]):
            message = f"layer {reference} is the first of its size; layer {reference - 1} is the last before"
            reason = "layers count from 0 after [net]; [net] itself has no number"
            yield node.index, Complaint(message, key="layers", reason=reason)


def _first_of_their_size(graph: Graph, node: Node) -> Iterator[int]:
    for reference in node.layer.layers if isinstance(node.layer, Route) else ():
        if 1 <= reference < node.index - 1:
            target = graph[reference]
            if target.inputs == (reference - 1,) and target.shape.height < target.maps[0].height:
                yield reference


def _fits(graph: Graph, lowered: list[tuple[Node, int]]) -> bool:
    """Whether the maps fit if some references are one less."""
    changed: Mapping[tuple[int, int], int] = {(node.index, at): at - 1 for node, at in lowered}
    shapes: list[Shape] = []
    try:
        for node in graph:
            sources = [changed.get((node.index, i), i) for i in node.inputs]
            maps = [shapes[i] if i >= 0 else graph.image for i in sources]
            if any(complaint.severity == "error" for complaint in node.layer.check(*maps)):
                return False
            shapes.append(node.layer.shape(*maps))
    except Refused:
        return False
    return True


COUNTS_NET = GraphRule(
    "counts-net",
    "warning",
    "a reference that is one too high, as if [net] were layer 0",
    "Layers count from 0 after `[net]`. A `[route]` to the first layer of a smaller map is unusual: the "
    "layer before it, the last of the larger map, is the usual target, and fits as well. `darknet-py show` "
    "prints the numbers; a `name` and `layers = @name` avoid counting.",
    counts_net,
)
RULES: tuple[GraphRule, ...] = (COUNTS_NET,)
