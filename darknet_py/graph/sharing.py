"""Layers that use the weights of an earlier one: `share_index` of `[convolutional]`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from darknet_py.cfg.diagnostics import Complaint
from darknet_py.graph.graph import Node
from darknet_py.layers.base import absolute
from darknet_py.layers.parametric.convolutional import Convolutional


def weight_sources(nodes: Sequence[Node]) -> dict[int, int]:
    """For each layer that uses the weights of another, that layer's index."""
    found = {}
    for node in nodes:
        if isinstance(node.layer, Convolutional) and node.layer.shared:
            found[node.index] = absolute(node.layer.share_index, node.index)
    return found


def sharing_errors(nodes: Sequence[Node]) -> Iterator[tuple[Node, Complaint]]:
    """Layers whose source of weights is no convolution before them, or one of another size."""
    known = {node.index: node for node in nodes}
    for user, source in weight_sources(nodes).items():
        node, other = known[user], known.get(source)
        if source >= user or source < 0 or (other and not isinstance(other.layer, Convolutional)):
            message = f"layer {user} cannot share the weights of layer {source}"
            reason = "that is no [convolutional] before it"
            yield node, Complaint(message, key="share_index", code="bad-reference", reason=reason)
        elif other and _weights(node) != _weights(other):
            message = f"layer {user} cannot share the weights of layer {source}: they differ"
            words = "{} filters of {} x {} x {} and batch_normalize={:d}"
            reason = f"{words.format(*_weights(node))} here, {words.format(*_weights(other))} there"
            yield node, Complaint(message, key="share_index", code="shapes-differ", reason=reason)


def _weights(node: Node) -> tuple[int, int, int, int, bool]:
    """Filters, channels of each, rows, columns, and whether they are normalised."""
    layer = node.layer
    assert isinstance(layer, Convolutional)
    channels = node.maps[0].channels // layer.blocks
    return layer.filters, channels, layer.size, layer.size, layer.batch_normalize
