"""Which layers learn in an iteration, and which rest.

Darknet lets the weights of some resting layers decay, with no gradient to hold against it: of the one that
says `stopbackward`, and of those that pass nothing back. Here resting is resting.
"""

from __future__ import annotations

from torch import Tensor, nn

from darknet_py.graph.graph import Graph, Node
from darknet_py.layers.heads.head import Head
from darknet_py.model.network import Network


def learning(graph: Graph, iteration: int) -> set[int]:
    """The layers that a gradient reaches in an iteration, and that use it."""
    reached = set(graph.heads) if graph.classifier is None else {graph.classifier}
    for node in reversed(graph.nodes):
        if node.index in reached and not node.layer.onlyforward:
            reached.update(node.inputs)
    rest = max(frozen(graph, iteration), _up_to_train_only_bn(graph))
    return {index for index in reached if index >= rest and not _waits(graph, graph[index], iteration)}


def frozen(graph: Graph, iteration: int) -> int:
    """How many layers, from the first on, `stopbackward` freezes: their running statistics rest too."""
    stops = ((node.index, node.layer.stopbackward) for node in graph)
    return max((index + 1 for index, until in stops if until == 1 or iteration < until), default=0)


def _up_to_train_only_bn(graph: Graph) -> int:
    return max((node.index + 1 for node in graph if node.layer.train_only_bn), default=0)


def _waits(graph: Graph, node: Node, iteration: int) -> bool:
    layer = node.layer
    early = iteration < layer.burnin_update * graph.net.burn_in
    return bool(layer.onlyforward) or early or (layer.dont_update > 0 and iteration <= layer.dont_update)


def cut(network: Network) -> None:
    """Let no gradient pass through layers that say `onlyforward`; a head's loss is left out elsewhere."""
    for node, module in zip(network.graph, network.layers, strict=True):
        if node.layer.onlyforward and not isinstance(node.layer, Head):
            module.register_forward_hook(_detached)


def _detached(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
    return output.detach()
