"""The parameters of a layer as rows, one for each output channel, and columns, one for each input channel."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from darknet_py.graph.graph import Node
from darknet_py.layers.parametric.batchnorm import BatchNorm
from darknet_py.layers.parametric.connected import Connected
from darknet_py.layers.parametric.convolutional import NONE as UNSHARED
from darknet_py.layers.parametric.convolutional import Convolutional
from darknet_py.layers.parametric.deconvolutional import Deconvolutional
from darknet_py.layers.parametric.implicit import Implicit
from darknet_py.layers.parametric.local import Local
from darknet_py.model.network import Network

WEIGHTS = "weights"
SIZED = frozenset(
    {"filters", "output", "groups", "mean", "std"}
)  # keys that do not change what a row computes


@dataclass(frozen=True)
class Parameters:
    """Views of a layer's tensors: what is written to them is written to the network.

    Args:
        vectors: by name; the first axis has the rows.
        weights: (rows, columns of one group, what is left); None where the layer reads no channels.
        groups: of rows that read their own columns.
    """

    vectors: dict[str, Tensor]
    weights: Tensor | None = None
    groups: int = 1

    @property
    def rows(self) -> int:
        """Output channels."""
        return len(next(iter(self.vectors.values())))

    @property
    def form(self) -> tuple[object, ...]:
        """What two layers must have in common for a row of one to be one of the other."""
        vectors = tuple((name, tensor.shape[1:]) for name, tensor in self.vectors.items())
        return vectors, None if self.weights is None else self.weights.shape[2:]


def parameters_of(network: Network, node: Node, *, lent: bool = False) -> Parameters | None:
    """The parameters by rows; None for a layer whose tensors have no rows of this kind, or that has none.

    Args:
        lent: with those that a layer shares with another.
    """
    layer, arrays = node.layer, named_arrays(network, node, lent=lent)
    if not arrays:
        return None
    if isinstance(layer, (BatchNorm, Implicit)):
        return Parameters(arrays)
    if not isinstance(layer, (Connected, Convolutional, Deconvolutional, Local)):
        return None
    weights = arrays.pop(WEIGHTS)
    channels = node.maps[0].channels
    if isinstance(layer, Convolutional):
        return Parameters(arrays, weights.flatten(2), layer.blocks)
    if isinstance(layer, Connected):
        return Parameters(arrays, weights.view(len(weights), channels, -1))
    if isinstance(layer, Deconvolutional):
        return Parameters(arrays, weights.flatten(2).transpose(0, 1))
    cells, filters, _ = weights.shape  # a kernel for each cell
    return Parameters(arrays, weights.view(cells, filters, channels, -1).permute(1, 2, 0, 3))


def named_arrays(network: Network, node: Node, *, lent: bool = False) -> dict[str, Tensor]:
    """A layer's tensors by name, as a `.weights` file has them; `lent`: also those it shares with another."""
    layer = node.layer
    if lent and isinstance(layer, Convolutional) and layer.shared:
        layer = layer.with_values(share_index=UNSHARED)
    return {name: tensor.detach() for name, tensor in layer.arrays(network.layers[node.index])}
