"""The arrays of a `.weights` file as numpy arrays; torch is not imported.

A file is a header (major, minor, revision as int32; the number of images seen as uint64, or uint32 where
major * 10 + minor < 2) and float32 numbers, little endian, without names or padding.

A file may lack the arrays of `dontload` and `dontloadscales`; one with as many floats as the complete network
was written by this program, and is read as such.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol, TypeAlias

import numpy as np

from darknet_py.errors import WeightsError
from darknet_py.graph.graph import Graph, Node
from darknet_py.model.weights_fit.file import WeightsFile
from darknet_py.model.weights_fit.header import Header, read_header
from darknet_py.model.weights_fit.kinds import START
from darknet_py.model.weights_fit.parts import FilePart, FileParts, is_lacking

if TYPE_CHECKING:
    import numpy.typing as npt

Floats: TypeAlias = "npt.NDArray[np.float32]"
MISSING = {"scales": 1.0, "variances": 1.0}  # what an array is filled with that the file lacks; others by 0


class ArraySpec(NamedTuple):
    """One array of a file."""

    node: Node
    name: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"the {self.name} of {self.node.name}"

    @property
    def floats(self) -> int:
        """How many numbers it has."""
        return math.prod(self.shape)


ArraySpecs = Sequence[ArraySpec]  # in the order of a file


class Named(Protocol):
    """An array of a network, or its place in a file."""

    @property
    def node(self) -> Node:
        """Its layer."""

    @property
    def name(self) -> str:
        """biases, scales, means, variances, weights, ..."""


class Stored(NamedTuple):
    """What a file holds: its arrays, their floats, which are parts of one array, and its header."""

    specs: ArraySpecs
    values: list[Floats]
    header: Header


def declared_specs(graph: Graph) -> list[ArraySpec]:
    """The arrays of a graph's file in their order, as its layers declare them.

    Raises:
        WeightsError: when a layer has floats that its `array_shapes` does not declare.
    """
    specs: list[ArraySpec] = []
    for node in graph:
        own = [ArraySpec(node, name, shape) for name, shape in node.layer.array_shapes(*node.maps)]
        if sum(spec.floats for spec in own) != node.cost.parameters:
            message = f"{node.name} has {node.cost.parameters:,} parameters, and does not say where they are"
            raise WeightsError(message, where="", hint=f"declare `array_shapes` of [{node.layer.section}]")
        specs += own
    return specs


def read_arrays(graph: Graph, path: str | Path) -> dict[int, dict[str, Floats]]:
    """The arrays of a complete file, by layer and name, all parts of one array.

    Those that the cfg says the file lacks are 0; scales and variances 1.

    Raises:
        WeightsError: when the file is no weights file, is too short or too long for the network, or has a NaN
            or a negative variance.
    """
    specs = declared_specs(graph)
    found: dict[int, dict[str, Floats]] = {}
    stored = read_stored(graph, specs, Path(path))
    for spec, values in zip(stored.specs, stored.values, strict=True):
        found.setdefault(spec.node.index, {})[spec.name] = values.reshape(spec.shape)
    for spec in specs:
        own = found.setdefault(spec.node.index, {})
        if spec.name not in own:
            own[spec.name] = np.full(spec.shape, MISSING.get(spec.name, 0.0), np.float32)
    return found


def read_stored(graph: Graph, specs: ArraySpecs, path: Path, *, partial: int | None = None) -> Stored:
    """Read arrays that follow each other.

    Args:
        specs: of all arrays of the network, or of its first `partial` layers.
        partial: read only so many layers; the file may end there, or be longer.

    Raises:
        WeightsError: see `read_arrays`.
    """
    try:
        with _opened(path) as file:
            size = os.fstat(file.fileno()).st_size
            header = read_header(file.read(START), path)
            start = header.size
            if partial is not None or size != start + 4 * _floats(specs):
                specs = [spec for spec in specs if not is_lacking(spec.node.layer, spec.name)]
            need = _floats(specs)
            _check_size(WeightsFile(path, size, start), specs, graph, complete=partial is None)
            file.seek(start)
            floats = np.fromfile(file, "<f4", need).astype(np.float32, copy=False)
            if len(floats) < need or os.fstat(file.fileno()).st_size != size:
                raise WeightsError("changed while it was read", where=path)
    except (OSError, ValueError) as error:
        raise WeightsError(f"cannot be read: {error}", where=path) from None
    ends = np.cumsum([spec.floats for spec in specs])
    values = np.split(floats, ends[:-1]) if specs else []
    check_values(specs, values, path, starts=[start, *(start + 4 * ends[:-1]).tolist()])
    return Stored(specs, values, header)


def parts_of(specs: ArraySpecs) -> FileParts:
    """The specs as numbers of floats."""
    return tuple(FilePart(spec.node.index, spec.name, spec.floats) for spec in specs)


def _floats(specs: ArraySpecs) -> int:
    return sum(spec.floats for spec in specs)


def _opened(path: Path) -> BinaryIO:
    if not path.is_file():
        raise WeightsError("no such file" if not path.exists() else "is not a regular file", where=path)
    return path.open("rb")


def _check_size(file: WeightsFile, specs: ArraySpecs, graph: Graph, *, complete: bool) -> None:
    """Refuse a file that does not have the floats of its specs, before they are read."""
    need = file.header + 4 * _floats(specs)
    if file.size < need:
        message, hints = _too_short(file, specs), [f"{file.size:,} bytes, {need - file.size:,} too few"]
    elif complete and file.size > need:
        last = f", the end of {specs[-1].node.name}" if specs else ""
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
        from darknet_py.model.weights_fit.suggestions import suggestions

        hints += suggestions(graph, parts_of(specs), file)
    raise WeightsError(message, where=file.path, hint="; ".join(hints) or "it belongs to another network")


def _too_short(file: WeightsFile, specs: ArraySpecs) -> str:
    """In which layer a file ends, and in which of its arrays."""
    ends = np.cumsum([spec.floats for spec in specs])
    at = int(np.searchsorted(ends, file.floats, side="right"))
    spec = specs[at]
    node, start = spec.node, file.header + 4 * (int(ends[at]) - spec.floats)
    where = f"{node.name}, in its {spec.name} (bytes {start:,} to {start + 4 * spec.floats:,})"
    own = [other for other in specs if other.node.index == node.index]
    before = _floats([other for other in specs if other.node.index < node.index])
    remain = file.floats - before
    return f"ends inside {where}: it needs {_floats(own):,} floats, {remain:,} remain"


def check_values(
    layout: Sequence[Named], values: Sequence[Floats], path: Path, *, starts: Sequence[int] = ()
) -> None:
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
