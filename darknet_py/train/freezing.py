"""Which layers are trainable in an iteration, and which are frozen.

Darknet lets the weights of some frozen layers decay, with no gradient to balance it: of the layer that has
`stopbackward`, and of those that pass no gradient back. Here a frozen layer does not change.
"""

from __future__ import annotations

from torch import Tensor, nn

from darknet_py.graph.graph import Graph, Node
from darknet_py.layers.heads.head import Head
from darknet_py.model.network import Network


def trainable_layers(graph: Graph, iteration: int) -> set[int]:
    """The layers that a gradient reaches in an iteration, and that use it."""
    reached = set(graph.heads) if graph.classifier is None else {graph.classifier}
    for node in reversed(graph.nodes):
        if node.index in reached and not node.layer.onlyforward:
            reached.update(node.inputs)
    norm_only = max((node.index + 1 for node in graph if node.layer.train_only_bn), default=0)
    first = max(frozen_count(graph, iteration), norm_only)
    return {index for index in reached if index >= first and not _is_paused(graph, graph[index], iteration)}


def frozen_count(graph: Graph, iteration: int) -> int:
    """How many layers, from the first on, `stopbackward` freezes, with their running statistics."""
    stops = ((node.index, node.layer.stopbackward) for node in graph)
    return max((index + 1 for index, until in stops if until == 1 or iteration < until), default=0)


def _is_paused(graph: Graph, node: Node, iteration: int) -> bool:
    layer = node.layer
    early = iteration < layer.burnin_update * graph.net.burn_in
    return bool(layer.onlyforward) or early or (layer.dont_update > 0 and iteration <= layer.dont_update)


def detach_onlyforward(network: Network) -> None:
    """Let no gradient pass through layers that have `onlyforward`; the loss of such a head is 0 anyway."""
    for node, module in zip(network.graph, network.layers, strict=True):
        if node.layer.onlyforward and not isinstance(node.layer, Head):
            module.register_forward_hook(_detached)


def _detached(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
    return output.detach()
