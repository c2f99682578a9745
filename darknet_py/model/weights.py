"""Darknet's `.weights` files, read and written in one order of arrays; every float must be used.

A file is a header (major, minor, revision as int32; the number of images seen as uint64, or uint32 where
major * 10 + minor < 2) and float32 numbers, little endian, without names or padding.

Files are written complete. A file to read may lack the arrays of `dontload` and `dontloadscales`; one with as
many floats as the complete network was written by this program, and is read as such.
"""

from __future__ import annotations

import os
import struct
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from darknet_py.errors import UsageError, WeightsError
from darknet_py.files.atomic import publish_bytes
from darknet_py.graph.graph import Graph, Node
from darknet_py.model.network import Network
from darknet_py.model.weights_fit.parts import FilePart, FileParts
from darknet_py.model.weights_fit.suggestions import WeightsFile, suggestions

Floats = npt.NDArray[np.float32]

VERSION = (0, 2, 5)  # as AlexeyAB's Darknet writes
NEWEST = 1000  # the largest number of a version; beyond it Darknet transposes connected weights
LIKELY = {
    **{bytes([0x80, protocol]): "a Python pickle" for protocol in range(2, 6)},
    b"PK": "a zip archive (a PyTorch checkpoint?)",
    b"<": "a web page",
    b"vers": "a Git LFS pointer",
}


SCALES = ("scales", "means", "variances")  # the arrays that `dontloadscales` skips


class Array(NamedTuple):
    """One array of a file."""

    node: Node
    name: str
    tensor: Tensor

    def __str__(self) -> str:
        return f"the {self.name} of {self.node.name}"


Layout = list[Array]  # in the order of a file


class Header(NamedTuple):
    """The header of a file.

    Args:
        version: major, minor, revision.
        seen: the number of images it was trained on.
    """

    version: tuple[int, int, int]
    seen: int

    @property
    def size(self) -> int:
        """Bytes: the count of images takes four of them in old files, eight since version 0.2."""
        return 16 if self._old else 20

    def pack(self) -> bytes:
        """Its bytes in a file."""
        return struct.pack("<iiiI" if self._old else "<iiiQ", *self.version, self.seen)

    @property
    def _old(self) -> bool:
        major, minor, _ = self.version
        return major * 10 + minor < 2


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
    network: Network, path: str | Path, *, partial: int | None = None, mapped: bool = False
) -> Ledger:
    """Fill a network from a file.

    Args:
        partial: read only the first `partial` layers; the file may end there, or be longer.
        mapped: let the network's tensors be views of the file in memory, where that is possible, in place of
            copies. What is written to them does not reach the file; the file must keep its size meanwhile.

    Raises:
        WeightsError: when the file is no weights file, is too short or too long for the network, or has a NaN
            or a negative variance; the network is unchanged.
    """
    graph, path = network.graph, Path(path)
    if partial is not None and not 0 < partial <= len(graph):
        raise UsageError(
            f"--partial {partial}: the network has {len(graph)} layers", hint=f"expected 1 to {len(graph)}"
        )
    layers = len(graph) if partial is None else partial
    layout = file_layout(network, layers)
    try:
        with _opened(path) as file:
            size = os.fstat(file.fileno()).st_size
            header = read_header(file.read(20), path)
            start = header.size
            if partial is not None or size != start + 4 * _floats(layout):
                layout = [array for array in layout if not is_skipped(array)]
            need = _floats(layout)
            _check_size(WeightsFile(path, size, start), layout, graph, complete=partial is None)
            mapped = mapped and need > 0 and sys.byteorder == "little"
            floats = (_mapped if mapped else _read)(file, start, need)
            if len(floats) < need or os.fstat(file.fileno()).st_size != size:
                raise WeightsError("changed while it was read", where=path)
    except (OSError, ValueError) as error:
        raise WeightsError(f"cannot be read: {error}", where=path) from None
    values = np.split(floats, np.cumsum([array.tensor.numel() for array in layout])[:-1])
    check_values(layout, values, path)
    _fill(layout, values, mapped=mapped)
    return Ledger(layers, need, graph.cost.parameters, header.seen)


@torch.no_grad()
def _fill(layout: Layout, values: list[Floats], *, mapped: bool) -> None:
    for array, part in zip(layout, values, strict=False):
        value = torch.from_numpy(part).view(array.tensor.shape)
        if mapped and array.tensor.device.type == "cpu":
            array.tensor.data = value
        else:
            array.tensor.copy_(value)


def _read(file: BinaryIO, start: int, count: int) -> Floats:
    file.seek(start)
    return np.fromfile(file, "<f4", count).astype(np.float32, copy=False)


def _mapped(file: BinaryIO, start: int, count: int) -> Floats:
    return np.memmap(file, "<f4", "c", offset=start, shape=(count,))


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


def parts_of(layout: Layout) -> FileParts:
    """The arrays of a layout as numbers of floats."""
    return tuple(FilePart(array.node.index, array.name, array.tensor.numel()) for array in layout)


def _floats(layout: Layout) -> int:
    return sum(array.tensor.numel() for array in layout)


def is_skipped(array: Array) -> bool:
    """Whether the cfg says that a file of Darknet's lacks an array."""
    layer = array.node.layer
    return layer.dontload or (layer.dontloadscales and array.name in SCALES)


def _opened(path: Path) -> BinaryIO:
    if not path.is_file():
        raise WeightsError("no such file" if not path.exists() else "is not a regular file", where=path)
    return path.open("rb")


def read_header(data: bytes, path: Path) -> Header:
    """Read a header from the first 20 bytes of a file.

    Raises: WeightsError: when they are not those of a `.weights` file.
    """
    for magic, what in LIKELY.items():
        if data.startswith(magic):
            raise WeightsError(f"is not Darknet weights; it looks like {what}", where=path)
    if len(data) < 16:
        raise WeightsError(f"has {len(data)} bytes; the header alone needs 16 or 20", where=path)
    major, minor, revision = struct.unpack_from("<iii", data)
    if not all(0 <= number <= NEWEST for number in (major, minor, revision)):
        version = f"version {major}.{minor}.{revision} in its header"
        raise WeightsError(f"is not Darknet weights: {version}", where=path)
    header = Header((major, minor, revision), *struct.unpack_from("<I", data, 12))
    if header.size == 16:
        return header
    if len(data) < 20:
        raise WeightsError(
            f"has {len(data)} bytes; the header of version {major}.{minor} needs 20", where=path
        )
    return Header(header.version, *struct.unpack_from("<Q", data, 12))


def _check_size(file: WeightsFile, layout: Layout, graph: Graph, *, complete: bool) -> None:
    """Refuse a file that does not have the floats of the layout, before they are read."""
    need = file.header + 4 * _floats(layout)
    if file.size < need:
        message, hints = _too_short(file, layout), [f"{file.size:,} bytes, {need - file.size:,} too few"]
    elif complete and file.size > need:
        extra = file.size - need
        message = f"has {file.size:,} bytes; the network takes {need:,}, so {extra:,} are left over"
        hints = []
    elif (file.size - file.header) % 4:
        message = (
            f"has {file.size:,} bytes, which is no whole number of floats after a header of {file.header}"
        )
        raise WeightsError(message, where=file.path, hint="it was damaged in transfer")
    else:
        return
    if complete:
        hints += suggestions(graph, parts_of(layout), file)
    raise WeightsError(message, where=file.path, hint="; ".join(hints) or "it belongs to another network")


def _too_short(file: WeightsFile, layout: Layout) -> str:
    """In which layer a file ends, and in which of its arrays."""
    ends = np.cumsum([array.tensor.numel() for array in layout])
    node, name, _ = layout[int(np.searchsorted(ends, file.floats, side="right"))]
    own = [array for array in layout if array.node.index == node.index]
    before = _floats([array for array in layout if array.node.index < node.index])
    remain = file.floats - before
    return f"ends inside {node.name}, in its {name}: it needs {_floats(own):,} floats, {remain:,} remain"


def check_values(layout: Layout, values: list[Floats], path: Path) -> None:
    """Refuse values that no network has. Darknet itself writes variances of zero before any training."""
    last = None
    for array, part in zip(layout, values, strict=False):
        with np.errstate(over="ignore", invalid="ignore"):
            finite = np.isfinite(part.sum())  # then every number is; a sum can also be too large
        if not finite and (bad := int(np.count_nonzero(~np.isfinite(part)))):
            raise WeightsError(f"has {bad:,} NaN or infinite numbers in {array}", where=path)
        if array.name != "variances":
            continue
        if bad := int(np.count_nonzero(part < 0)):
            hint = "it is damaged, or belongs to another network of the same size"
            if last is not None:
                hint += f": misaligned after {last.name}, whose variances are plausible"
            raise WeightsError(f"has {bad:,} negative numbers in {array}", where=path, hint=hint)
        last = array.node
