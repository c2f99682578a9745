"""Rules about the maps that layers read, and those that nobody reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.diagnostics import Complaint, Refused
from darknet_py.graph.graph import Graph, Node
from darknet_py.graph.references import input_keys, references
from darknet_py.layers.heads.head import Head
from darknet_py.layers.merging.route import Route
from darknet_py.layers.transforms.cost import CostLayer
from darknet_py.layers.transforms.softmax import Softmax
from darknet_py.lint.base import GraphRule, LayerComplaint

ENDS = (Head, CostLayer, Softmax)  # layers whose output is read by the loss or by nobody


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


def read_twice(graph: Graph) -> Iterator[LayerComplaint]:
    """Layers of which two inputs are one map, perhaps by way of a [route] that passes it on."""
    for node in graph:
        if node.layer.pair(node.index) is not None:
            continue  # the inverse of a layer may follow it at once
        sources = [_origin(graph, source) for source in node.inputs]
        twice = next((s for at, s in enumerate(sources) if s in sources[:at]), None)
        if twice is None:
            continue
        what = "the image" if twice < 0 else f"layer {twice}"
        parts = [i for i, source in zip(node.inputs, sources, strict=True) if source == twice]
        effect = "its channels are concatenated twice" if isinstance(node.layer, Route) else "it meets itself"
        through = f"; layers {parts[0]} and {parts[1]} are that map" if parts[0] != parts[1] else ""
        key = next((key for key in input_keys(type(node.layer))), "")
        message = f"this [{node.layer.section}] reads {what} twice"
        yield node.index, Complaint(message, key=key, reason=effect + through)


def _origin(graph: Graph, index: int) -> int:
    """The layer whose map an index is: a [route] to a single complete map is that map."""
    while index >= 0 and isinstance(route := graph[index].layer, Route):
        if len(route.layers) > 1 or route.groups > 1:
            break
        (index,) = graph[index].inputs
    return index


def unread_map(graph: Graph) -> Iterator[LayerComplaint]:
    """Maps that no layer reads, and that are no output: any may be one where there is no head and no loss."""
    if not any(isinstance(node.layer, ENDS) for node in graph):
        return
    read = {source for node in graph for source in node.inputs}
    for position, section in enumerate(graph.document.sections):
        for reference in references(graph.document, position) if position else ():
            target = reference.layer(position - 1, {})
            read |= {target} if target is not None and section else set()
    kept = {*read, *graph.outputs}
    for node in graph:
        if node.index not in kept and not (
            isinstance(node.layer, ENDS) or node.layer.section == "contrastive"
        ):
            message = f"no layer reads the map of this [{node.layer.section}], layer {node.index}"
            reason = "it is computed for nothing; a reference behind it may be wrong or missing"
            yield node.index, Complaint(message, reason=reason)


READ_TWICE = GraphRule(
    "read-twice",
    "warning",
    "a layer that reads one map twice",
    "A `[route]` with one map twice has its channels twice, and a `[shortcut]` from the layer before doubles "
    "it. Usually one of two references is wrong: with `from=-1` or `layers=-1,-1` the layer before is meant "
    "once, and another layer the other time.",
    read_twice,
)
UNREAD_MAP = GraphRule(
    "unread-map",
    "warning",
    "a map that no layer reads",
    "The layer is neither an output nor the input of another, so that it and what only it reads are computed "
    "for nothing. A `[route]` after it may have a wrong reference, or lack one. Delete the layer where it is "
    "left over.",
    unread_map,
)
COUNTS_NET = GraphRule(
    "counts-net",
    "warning",
    "a reference that is one too high, as if [net] were layer 0",
    "Layers count from 0 after `[net]`. A `[route]` to the first layer of a smaller map is unusual: the "
    "layer before it, the last of the larger map, is the usual target, and fits as well. `darknet-py show` "
    "prints the numbers; a `name` and `layers = @name` avoid counting.",
    counts_net,
)
RULES: tuple[GraphRule, ...] = (COUNTS_NET, READ_TWICE, UNREAD_MAP)
