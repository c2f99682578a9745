"""The same weights in an edited network, and where the two begin to differ."""

from __future__ import annotations

from itertools import takewhile
from typing import Any

from darknet_py.edit.folding import expanded
from darknet_py.errors import UsageError
from darknet_py.graph.graph import Graph
from darknet_py.model.network import Network
from darknet_py.model.restoring import undrawn


def edited_network(network: Network, graph: Graph, asked: str) -> tuple[Network, int]:
    """A network of an edited graph with the same tensors, and the first layer that differs.

    Args:
        graph: of the edited cfg; it may have composite layers.
        asked: the edit, for messages.

    Raises:
        UsageError: when the edit moves or adds tensors, changes nothing, or changes the input.
    """
    ours, theirs = network.graph, expanded(graph)
    if (ours.image, ours.net.letter_box) != (theirs.image, theirs.net.letter_box):
        hint = "edit layers; for another input size, `darknet-py eval --set net.width=...`"
        raise UsageError(f"{asked} changes the network's input", hint=hint)
    result = undrawn(theirs)
    tensors, places = network.state_dict(), result.state_dict()
    if [tuple(t.shape) for t in tensors.values()] != [tuple(t.shape) for t in places.values()]:
        hint = "`darknet-py adapt` carries weights over such an edit, and `compare` trains it"
        raise UsageError(f"{asked} does not keep the shapes of all weights", hint=hint)
    result.load_state_dict(dict(zip(places, tensors.values(), strict=True)))
    pairs = zip(_declared(ours), _declared(theirs), strict=False)
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    if same == len(ours) == len(theirs):
        raise UsageError(f"{asked} changes nothing")
    return result.eval(), same


def _declared(graph: Graph) -> list[tuple[Any, ...]]:
    """What decides the numbers of each layer."""
    return [(node.layer, node.inputs, node.maps, node.shape) for node in graph]
