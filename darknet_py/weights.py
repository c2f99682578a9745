"""Darknet's `.weights`: one order of arrays for reading and for writing; every float accounted for.

A file is a header (major, minor, revision as int32; the number of images seen as uint64, or uint32 where
major * 10 + minor < 2) and float32 numbers, little endian, without names or padding.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from darknet_py.errors import UsageError, WeightsError
from darknet_py.graph.graph import Graph, Node
from darknet_py.network import Network
from darknet_py.publish import publish_bytes

VERSION = (0, 2, 5)  # as AlexeyAB's Darknet writes
LIKELY = {
    b"\x80\x02": "a Python pickle",
    b"PK": "a zip archive (a PyTorch checkpoint?)",
    b"<": "a web page",
    b"vers": "a Git LFS pointer",
}


@dataclass(frozen=True)
class Ledger:
    """What became of a weights file.

    Args:
        layers: how many layers of the cfg were read, from the first.
        floats: numbers used.
        total: numbers the whole network has.
        seen: images it was trained on, by its header.
    """

    layers: int
    floats: int
    total: int
    seen: int


def load_weights(network: Network, path: str | Path, *, partial: int | None = None) -> Ledger:
    """Fill a network from a file.

    Args:
        partial: read the first `partial` layers alone; the file may be cut there, or be longer.

    Raises:
        WeightsError: when the file is no weights file, too short or too long for the network, or holds NaN.
    """
    graph, path = network.graph, Path(path)
    if partial is not None and not 0 < partial <= len(graph):
        raise UsageError(
            f"--partial {partial}: the network has {len(graph)} layers", hint=f"expected 1 to {len(graph)}"
        )
    nodes = graph[: len(graph) if partial is None else partial]
    data = _bytes(path)
    seen, start = _header(data, path)
    floats = _fitting(data, start, nodes, path, whole=partial is None)
    for node, tensors in _arrays(network, nodes):
        floats = _fill(node, tensors, floats, path)
    return Ledger(len(nodes), sum(n.cost.parameters for n in nodes), graph.cost.parameters, seen)


def save_weights(network: Network, path: str | Path, *, seen: int = 0) -> None:
    """Write a network as AlexeyAB's Darknet does; the file appears whole or not at all."""
    parts = [struct.pack("<iiiQ", *VERSION, seen)]
    for _, tensors in _arrays(network, network.graph[:]):
        parts += [t.detach().cpu().contiguous().numpy().astype("<f4").tobytes() for t in tensors]
    publish_bytes(Path(path), b"".join(parts))


def expected_bytes(graph: Graph) -> int:
    """Bytes of a complete file with the 20-byte header."""
    return 20 + 4 * graph.cost.parameters


def _arrays(network: Network, nodes: tuple[Node, ...]) -> Iterator[tuple[Node, list[Tensor]]]:
    for node in nodes:
        yield node, list(node.layer.arrays(network.layers[node.index]))


def _bytes(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise WeightsError("no such file" if not path.exists() else "is not a regular file", where=path)
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise WeightsError(f"cannot be read: {error}", where=path) from None


def _header(data: bytes, path: Path) -> tuple[int, int]:
    """Images seen, and where the floats begin."""
    for magic, what in LIKELY.items():
        if data.startswith(magic):
            raise WeightsError(f"is not Darknet weights; it looks like {what}", where=path)
    if len(data) < 16:
        raise WeightsError(f"has {len(data)} bytes; the header alone needs 16 or 20", where=path)
    major, minor, _ = struct.unpack_from("<iii", data)
    if not (0 <= major <= 1000 and 0 <= minor <= 1000):
        raise WeightsError(f"is not Darknet weights: version {major}.{minor} in its header", where=path)
    old = major * 10 + minor < 2
    if not old and len(data) < 20:
        raise WeightsError(
            f"has {len(data)} bytes; the header of version {major}.{minor} needs 20", where=path
        )
    (seen,) = struct.unpack_from("<I" if old else "<Q", data, 12)
    return seen, 16 if old else 20


def _fitting(data: bytes, start: int, nodes: tuple[Node, ...], path: Path, *, whole: bool) -> np.ndarray:
    """The floats of a file whose length fits the layers."""
    have, rest = divmod(len(data) - start, 4)
    need = sum(node.cost.parameters for node in nodes)
    if have < need:
        raise _too_short(have, nodes, path, len(data))
    if rest or (whole and have > need):
        extra = len(data) - start - 4 * need
        message = (
            f"has {len(data):,} bytes; the network takes {start + 4 * need:,}, so {extra:,} are left over"
        )
        hint = "it belongs to another network; --partial N reads the first N layers alone"
        raise WeightsError(message, where=path, hint=hint)
    return np.frombuffer(data, "<f4", count=need, offset=start)


def _too_short(have: int, nodes: tuple[Node, ...], path: Path, size: int) -> WeightsError:
    left = have
    for node in nodes:
        if left < node.cost.parameters:
            break
        left -= node.cost.parameters
    need = sum(n.cost.parameters for n in nodes)
    message = f"ends inside {node.name}: it needs {node.cost.parameters:,} floats, {left:,} remain"
    hint = f"{size:,} bytes, {4 * (need - have):,} too few"
    if node.index:
        hint += f"; --partial {node.index} reads the layers that are whole"
    return WeightsError(message, where=path, hint=hint)


def _fill(node: Node, tensors: list[Tensor], floats: np.ndarray, path: Path) -> np.ndarray:
    """Copy the next floats into a layer; what remains."""
    for tensor in tensors:
        part, floats = floats[: tensor.numel()], floats[tensor.numel() :]
        if not np.isfinite(part).all():
            bad = int((~np.isfinite(part)).sum())
            raise WeightsError(f"has {bad:,} NaN or infinite numbers in {node.name}", where=path)
        with torch.no_grad():
            tensor.copy_(torch.from_numpy(part.astype(np.float32)).view(tensor.shape))
    return floats
