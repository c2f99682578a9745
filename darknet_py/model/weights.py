"""Darknet's `.weights` files, read and written in one order of arrays; every float must be used.

A file is a header (major, minor, revision as int32; the number of images seen as uint64, or uint32 where
major * 10 + minor < 2) and float32 numbers, little endian, without names or padding.

Files are written complete. A file to read may lack the arrays of `dontload` and `dontloadscales`; one with as
many floats as the complete network was written by this program, and is read as such.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
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
from darknet_py.model.weights_fit.header import VERSION, Header, read_header
from darknet_py.model.weights_fit.kinds import START
from darknet_py.model.weights_fit.parts import FilePart, FileParts, is_lacking
from darknet_py.model.weights_fit.suggestions import WeightsFile, suggestions

Floats = npt.NDArray[np.float32]


class Array(NamedTuple):
    """One array of a file."""

    node: Node
    name: str
    tensor: Tensor

    def __str__(self) -> str:
        return f"the {self.name} of {self.node.name}"


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
    layout = file_layout(network, partial)
    try:
        with _opened(path) as file:
            size = os.fstat(file.fileno()).st_size
            header = read_header(file.read(START), path)
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
    ends = np.cumsum([array.tensor.numel() for array in layout])
    values = np.split(floats, ends[:-1])
    check_values(layout, values, path, starts=[start, *(start + 4 * ends[:-1]).tolist()])
    _fill(layout, values, mapped=mapped)
    return Ledger(partial or len(graph), need, graph.cost.parameters, header.seen)


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
    return is_lacking(array.node.layer, array.name)


def _opened(path: Path) -> BinaryIO:
    if not path.is_file():
        raise WeightsError("no such file" if not path.exists() else "is not a regular file", where=path)
    return path.open("rb")


def _check_size(file: WeightsFile, layout: Layout, graph: Graph, *, complete: bool) -> None:
    """Refuse a file that does not have the floats of the layout, before they are read."""
    need = file.header + 4 * _floats(layout)
    if file.size < need:
        message, hints = _too_short(file, layout), [f"{file.size:,} bytes, {need - file.size:,} too few"]
    elif complete and file.size > need:
        last = f", the end of {layout[-1].node.name}" if layout else ""
        message = f"has {file.size:,} bytes; the network takes {need:,}{last}, "
        message += f"so {file.size - need:,} are left over"
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
    at = int(np.searchsorted(ends, file.floats, side="right"))
    node, name, tensor = layout[at]
    start = file.header + 4 * (int(ends[at]) - tensor.numel())
    place = f"{node.name}, in its {name} (bytes {start:,} to {start + 4 * tensor.numel():,})"
    own = [array for array in layout if array.node.index == node.index]
    before = _floats([array for array in layout if array.node.index < node.index])
    remain = file.floats - before
    return f"ends inside {place}: it needs {_floats(own):,} floats, {remain:,} remain"


def check_values(layout: Layout, values: Sequence[Floats], path: Path, *, starts: Sequence[int] = ()) -> None:
    """Refuse values that no network has. Darknet itself writes variances of zero before any training.

    Args:
        starts: of each array, its first byte in the file; without, numbers are counted within their array.

    Raises: WeightsError: with the layer, the array and the byte of the first such value.
    """
    last = None
    for number, (array, part) in enumerate(zip(layout, values, strict=False)):
        flat, start = part.reshape(-1), starts[number] if starts else None
        with np.errstate(over="ignore", invalid="ignore"):
            finite = np.isfinite(flat.sum())  # then every number is; a sum can also be too large
        if not finite and len(bad := np.flatnonzero(~np.isfinite(flat))):
            message = f"has {len(bad):,} NaN or infinite numbers in {array}, {_first(bad, start)}"
            hint = "it is damaged, or of a training that diverged"
            raise WeightsError(message, where=path, hint=hint)
        if array.name != "variances":
            continue
        if len(bad := np.flatnonzero(flat < 0)):
            hint = "it is damaged, or belongs to another network of the same size"
            if last is not None:
                hint += f": misaligned after {last.name}, whose variances are plausible"
            message = f"has {len(bad):,} negative numbers in {array}, {_first(bad, start)}"
            raise WeightsError(message, where=path, hint=hint)
        last = array.node


def _first(bad: npt.NDArray[np.intp], start: int | None) -> str:
    """Where the first of some numbers of an array is: its byte, or its index in the array."""
    return f"the first at index {bad[0]:,}" if start is None else f"the first at byte {start + 4 * bad[0]:,}"
