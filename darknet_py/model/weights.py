"""Darknet's `.weights`: one order of arrays for reading and for writing; every float accounted for.

A file is a header (major, minor, revision as int32; the number of images seen as uint64, or uint32 where
major * 10 + minor < 2) and float32 numbers, little endian, without names or padding.

Files are written whole. A file to read may lack what `dontload` and `dontloadscales` name; one that has just
as many floats as the whole network was written so, and is read so.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from torch import Tensor, nn

from darknet_py.errors import UsageError, WeightsError
from darknet_py.files.atomic import publish_bytes
from darknet_py.graph.graph import Graph, Node
from darknet_py.model.network import Network

VERSION = (0, 2, 5)  # as AlexeyAB's Darknet writes
NEWEST = 1000  # no version has a larger number; beyond it Darknet reads connected weights transposed
LIKELY = {
    **{bytes([0x80, protocol]): "a Python pickle" for protocol in range(2, 6)},
    b"PK": "a zip archive (a PyTorch checkpoint?)",
    b"<": "a web page",
    b"vers": "a Git LFS pointer",
}


Layout = list[tuple[Node, list[Tensor]]]  # layers, each with its arrays in the order of a file


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
        WeightsError: when the file is no weights file, too short or too long for the network, or holds NaN or
            a negative variance; the network is as it was.
    """
    graph, path = network.graph, Path(path)
    if partial is not None and not 0 < partial <= len(graph):
        raise UsageError(
            f"--partial {partial}: the network has {len(graph)} layers", hint=f"expected 1 to {len(graph)}"
        )
    layout = _layout(network, graph[: len(graph) if partial is None else partial])
    try:
        with _opened(path) as file:
            size = os.fstat(file.fileno()).st_size
            seen, start = _header(file.read(20), path)
            if partial is not None or size != start + 4 * _floats(layout):
                layout = [(node, _in_file(node, network, tensors)) for node, tensors in layout]
            need = _floats(layout)
            _fitting(size, start, layout, path, whole=partial is None)
            file.seek(start)
            floats = np.fromfile(file, "<f4", need).astype(np.float32, copy=False)
            if len(floats) < need or os.fstat(file.fileno()).st_size != size:
                raise WeightsError("changed while it was read", where=path)
    except (OSError, ValueError) as error:
        raise WeightsError(f"cannot be read: {error}", where=path) from None
    parts = list(_parts(layout, floats))
    _sound(network, parts, path)
    with torch.no_grad():
        for _, tensor, part in parts:
            tensor.copy_(torch.from_numpy(part).view(tensor.shape))
    return Ledger(len(layout), need, graph.cost.parameters, seen)


def save_weights(network: Network, path: str | Path, *, seen: int = 0) -> None:
    """Write a network as AlexeyAB's Darknet does; the file appears whole or not at all."""
    publish_bytes(Path(path), weights_bytes(network, seen=seen))


def weights_bytes(network: Network, *, seen: int = 0) -> bytes:
    """The contents of a network's `.weights` file, `seen` images trained on."""
    parts = [struct.pack("<iiiQ", *VERSION, seen)]
    for _, tensors in _layout(network, network.graph[:]):
        parts += [t.detach().cpu().contiguous().numpy().astype("<f4").tobytes() for t in tensors]
    return b"".join(parts)


def expected_bytes(graph: Graph) -> int:
    """Bytes of a complete file with the 20-byte header."""
    return 20 + 4 * graph.cost.parameters


def _layout(network: Network, nodes: tuple[Node, ...]) -> Layout:
    return [(node, list(node.layer.arrays(network.layers[node.index]))) for node in nodes]


def _floats(layout: Layout) -> int:
    return sum(tensor.numel() for _, tensors in layout for tensor in tensors)


def _in_file(node: Node, network: Network, tensors: list[Tensor]) -> list[Tensor]:
    """The arrays of a layer that a file has, where it was not written by this program."""
    if node.layer.dontload:
        return []
    norms = [part for part in network.layers[node.index].modules() if isinstance(part, nn.BatchNorm2d)]
    scales = {id(array) for norm in norms for array in (norm.weight, norm.running_mean, norm.running_var)}
    return [one for one in tensors if not (node.layer.dontloadscales and id(one) in scales)]


def _opened(path: Path) -> BinaryIO:
    if not path.is_file():
        raise WeightsError("no such file" if not path.exists() else "is not a regular file", where=path)
    return path.open("rb")


def _header(data: bytes, path: Path) -> tuple[int, int]:
    """Images seen, and where the floats begin, by the first bytes of a file."""
    for magic, what in LIKELY.items():
        if data.startswith(magic):
            raise WeightsError(f"is not Darknet weights; it looks like {what}", where=path)
    if len(data) < 16:
        raise WeightsError(f"has {len(data)} bytes; the header alone needs 16 or 20", where=path)
    major, minor, revision = struct.unpack_from("<iii", data)
    if not all(0 <= number <= NEWEST for number in (major, minor, revision)):
        version = f"version {major}.{minor}.{revision} in its header"
        raise WeightsError(f"is not Darknet weights: {version}", where=path)
    old = major * 10 + minor < 2
    if not old and len(data) < 20:
        raise WeightsError(
            f"has {len(data)} bytes; the header of version {major}.{minor} needs 20", where=path
        )
    (seen,) = struct.unpack_from("<I" if old else "<Q", data, 12)
    return seen, 16 if old else 20


def _fitting(size: int, start: int, layout: Layout, path: Path, *, whole: bool) -> None:
    """Refuse a file of `size` bytes that does not hold the floats of the layers, before they are read."""
    have, rest = divmod(size - start, 4)
    need = _floats(layout)
    if have < need:
        raise _too_short(layout, path, size, start)
    if whole and size > start + 4 * need:
        extra = size - start - 4 * need
        message = f"has {size:,} bytes; the network takes {start + 4 * need:,}, so {extra:,} are left over"
        hint = "it belongs to another network; training can start from its first N layers: --partial N"
        raise WeightsError(message, where=path, hint=hint)
    if rest:
        message = f"has {size:,} bytes, which is no whole number of floats after a header of {start}"
        raise WeightsError(message, where=path, hint="it was damaged on its way here")


def _too_short(layout: Layout, path: Path, size: int, start: int) -> WeightsError:
    left = (size - start) // 4
    for one in layout:
        node, needed = one[0], _floats([one])
        if left < needed:
            break
        left -= needed
    message = f"ends inside {node.name}: it needs {needed:,} floats, {left:,} remain"
    hint = f"{size:,} bytes, {start + 4 * _floats(layout) - size:,} too few"
    if node.index:
        hint += f"; training can start from what is whole: --partial {node.index}"
    return WeightsError(message, where=path, hint=hint)


def _parts(layout: Layout, floats: np.ndarray) -> Iterator[tuple[Node, Tensor, np.ndarray]]:
    """Every array of the layers beside its floats in the file."""
    for node, tensors in layout:
        for tensor in tensors:
            part, floats = floats[: tensor.numel()], floats[tensor.numel() :]
            yield node, tensor, part


def _sound(network: Network, parts: list[tuple[Node, Tensor, np.ndarray]], path: Path) -> None:
    """Refuse numbers that no network has. Darknet itself writes variances of zero, before any training."""
    variances = {id(b) for name, b in network.named_buffers() if name.endswith("running_var")}
    for node, tensor, part in parts:
        if bad := int(np.count_nonzero(~np.isfinite(part))):
            raise WeightsError(f"has {bad:,} NaN or infinite numbers in {node.name}", where=path)
        if id(tensor) in variances and (bad := int(np.count_nonzero(part < 0))):
            hint = "it is damaged, or belongs to another network of the same size"
            raise WeightsError(f"has {bad:,} negative variances in {node.name}", where=path, hint=hint)
