"""Darknet's `.weights` files, read and written in one order of arrays; every float must be used.

`weights_file` describes the format. Files are written complete.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from darknet_py.errors import UsageError
from darknet_py.files.atomic import publish_bytes
from darknet_py.graph.graph import Graph, Node
from darknet_py.model.network import Network
from darknet_py.model.weights_file import ArraySpec, Stored, read_stored
from darknet_py.model.weights_fit.header import VERSION, Header


class Array(NamedTuple):
    """One array of a file."""

    node: Node
    name: str
    tensor: Tensor

    def __str__(self) -> str:
        return str(self.spec)

    @property
    def spec(self) -> ArraySpec:
        """Its place in the file."""
        return ArraySpec(self.node, self.name, tuple(self.tensor.shape))


Layout = list[Array]  # in the order of a file


@dataclass(frozen=True)
class Ledger:
    """The result of reading a weights file.

    Args:
        layers: how many layers of the cfg were read, from the first.
        floats: how many floats of the file were used.
        total: parameters of the complete network.
        seen: images it was trained on, by its header.
    """

    layers: int
    floats: int
    total: int
    seen: int


def load_weights(
    network: Network, path: str | Path, *, partial: int | None = None, views: bool = False
) -> Ledger:
    """Fill a network from a file.

    Args:
        partial: read only the first `partial` layers; the file may end there, or be longer.
        views: let the network's tensors be parts of the floats that were read, in place of copies. They share
            their memory's lifetime, so that is for a network that nothing else is loaded into.

    Raises:
        WeightsError: when the file is no weights file, is too short or too long for the network, or has a NaN
            or a negative variance; the network is unchanged.
    """
    graph, path = network.graph, Path(path)
    if partial is not None and not 0 < partial <= len(graph):
        raise UsageError(
            f"--partial {partial}: the network has {len(graph)} layers", hint=f"expected 1 to {len(graph)}"
        )
    layout = file_layout(network, partial)
    stored = read_stored(graph, [array.spec for array in layout], path, partial=partial)
    _fill(layout, stored, views=views)
    floats = sum(spec.floats for spec in stored.specs)
    return Ledger(partial or len(graph), floats, graph.cost.parameters, stored.header.seen)


@torch.no_grad()
def _fill(layout: Layout, stored: Stored, *, views: bool) -> None:
    tensors = {(array.node.index, array.name): array.tensor for array in layout}
    for spec, part in zip(stored.specs, stored.values, strict=True):
        tensor, value = tensors[spec.node.index, spec.name], torch.from_numpy(part).view(spec.shape)
        if views and tensor.device.type == "cpu":
            tensor.data = value
        else:
            tensor.copy_(value)


def save_weights(network: Network, path: str | Path, *, seen: int = 0) -> None:
    """Write a network as AlexeyAB's Darknet does; the file is published atomically."""
    publish_bytes(Path(path), weights_bytes(network, seen=seen))


def weights_bytes(network: Network, *, seen: int = 0, version: tuple[int, int, int] = VERSION) -> bytes:
    """The contents of a network's `.weights` file, `seen` images trained on."""
    parts = [Header(version, seen).pack()]
    for _, _, tensor in file_layout(network):
        parts.append(tensor.detach().cpu().contiguous().numpy().astype("<f4").tobytes())
    return b"".join(parts)


def expected_bytes(graph: Graph) -> int:
    """Bytes of a complete file with the 20-byte header."""
    return 20 + 4 * graph.cost.parameters


def file_layout(network: Network, layers: int | None = None) -> Layout:
    """The arrays of a network's file in their order, of its first `layers` layers if that is given."""
    return [
        Array(node, name, tensor)
        for node in network.graph[:layers]
        for name, tensor in node.layer.arrays(network.layers[node.index])
    ]
