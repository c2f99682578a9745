"""A network with the weights of a file: no first weights are drawn, and what was read is not copied again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from darknet_py.graph.graph import Graph
from darknet_py.model.network import Network
from darknet_py.model.weights import load_weights

DRAWS = (nn.init.kaiming_uniform_, nn.init.uniform_, Tensor.uniform_)  # of convolutions and linear layers


class _NoDraws(TorchFunctionMode):
    """Leaves tensors as they were allocated where torch.nn would draw their numbers."""

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = kwargs or {}
        return (*args, *named.values())[0] if function in DRAWS else function(*args, **named)


def undrawn(graph: Graph) -> Network:
    """Build a network whose convolutions hold whatever was in memory, to be filled at once."""
    with _NoDraws():
        return Network(graph)


def restore(graph: Graph, weights: str | Path) -> Network:
    """Build the network of a graph with the weights of a complete file.

    The tensors are parts of one array, read at once. The file is not mapped: one that somebody cuts would end
    the process.

    Raises: WeightsError: when the file does not fit.
    """
    incomplete = any(node.layer.dontload or node.layer.dontloadscales for node in graph)
    network = Network(graph) if incomplete else undrawn(graph)
    load_weights(network, weights, views=not incomplete)
    return network
