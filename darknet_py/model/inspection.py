"""What a weights file holds: its header, and with a cfg every array; and which cfgs it fits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from darknet_py.errors import DarknetPyError
from darknet_py.graph.graph import Graph
from darknet_py.lint.api import compile
from darknet_py.model.network import Network
from darknet_py.model.weights import Layout, file_layout, is_skipped, parts_of
from darknet_py.model.weights_fit.header import Header, first_bytes, read_header
from darknet_py.model.weights_fit.parts import layers_of, total
from darknet_py.model.weights_fit.suggestions import WeightsFile, suggestions
from darknet_py.model.weights_fit.values import Floats, survey


@dataclass(frozen=True)
class ArraySummary:
    """One array of a file.

    Args:
        layer: index of its layer.
        offset: of its first byte in the file.
        nan: how many numbers are no numbers or infinite; the other figures leave them out.
        mean, deviation, greatest: None where no number is in the file; `greatest` is of absolute values.
        complete: whether the file holds all of it.
    """

    layer: int
    section: str
    array: str
    shape: tuple[int, ...]
    offset: int
    mean: float | None
    deviation: float | None
    greatest: float | None
    nan: int
    complete: bool


@dataclass(frozen=True)
class Inspection:
    """What is known of a file; with a cfg, how it fits.

    Args:
        floats: complete ones after the header.
        expected: those of the cfg's network.
        fits: as many floats as expected, all numbers, no variance negative.
        left_over: bytes after the last array, or negative: missing.
        suggestions: what it probably is, where it does not fit.
    """

    version: str
    seen: int
    bytes: int
    header: int
    floats: int
    expected: int | None = None
    fits: bool | None = None
    left_over: int | None = None
    layers: tuple[ArraySummary, ...] = ()
    suggestions: tuple[str, ...] = ()


def open_weights(path: Path) -> tuple[WeightsFile, Header]:
    """A file with its header read.

    Raises: WeightsError: when it is no weights file.
    """
    header = read_header(first_bytes(path), path)
    return WeightsFile(path, path.stat().st_size, header.size), header


def inspect_weights(path: Path, graph: Graph | None = None) -> Inspection:
    """Read the header of a file, and with a cfg summarise every array.

    Raises:
        WeightsError: when it is no weights file.
        CfgError: when the network of the cfg cannot be built.
    """
    file, header = open_weights(path)
    found = Inspection(".".join(map(str, header.version)), header.seen, file.size, file.header, file.floats)
    if graph is None:
        return found
    layout = _layout(graph, file)
    parts, values = parts_of(layout), file.values()
    layers = tuple(_summaries(layout, values, file.header))
    expected, damage = total(parts), [one for one in layers if one.nan]
    left_over = file.size - file.header - 4 * expected
    plausible = survey(parts, values).fits
    hints = [] if left_over == 0 and plausible else suggestions(graph, parts, file)
    if damage:
        where = f"the {damage[0].array} of layer {damage[0].layer}"
        hints.append(f"{sum(one.nan for one in damage):,} NaN or infinite numbers, the first in {where}")
    fits = left_over == 0 and plausible and not damage
    return Inspection(
        found.version,
        found.seen,
        found.bytes,
        found.header,
        found.floats,
        expected=expected,
        fits=fits,
        left_over=left_over,
        layers=layers,
        suggestions=tuple(hints),
    )


def cfgs_that_fit(file: WeightsFile, cfgs: Iterable[Path]) -> Iterator[dict[str, Any]]:
    """The cfgs with as many floats as the file, or whose first layers have: path, and the layers read."""
    values = file.values()
    for cfg in cfgs:
        try:
            graph = compile(cfg)
            if graph.cost.parameters < file.floats or (file.size - file.header) % 4:
                continue
            parts = parts_of(_layout(graph, file))
        except DarknetPyError:
            continue  # it is not of a network that can be built
        layers = len(graph) if total(parts) == file.floats else layers_of(parts, file.floats)
        if layers and survey(parts, values).fits:
            yield {"cfg": str(cfg), "layers": layers, "of": len(graph)}


def _layout(graph: Graph, file: WeightsFile) -> Layout:
    """The arrays of a file: all, or without those that the cfg says Darknet's file lacks."""
    with torch.device("meta"):
        layout = file_layout(Network(graph))
    complete = file.size == file.header + 4 * total(parts_of(layout))
    return layout if complete else [array for array in layout if not is_skipped(array)]


def _summaries(layout: Layout, values: Floats, header: int) -> Iterator[ArraySummary]:
    at = 0
    for node, name, tensor in layout:
        count = tensor.numel()
        part = values[at : at + count]
        finite = part if np.isfinite(part).all() else part[np.isfinite(part)]
        mean = deviation = greatest = None
        if len(finite):
            mean, deviation = float(finite.mean(dtype=np.float64)), float(finite.std(dtype=np.float64))
            greatest = float(np.abs(finite).max())
        shape, nan = tuple(tensor.shape), len(part) - len(finite)
        place = (node.index, node.layer.section, name, shape, header + 4 * at)
        yield ArraySummary(*place, mean, deviation, greatest, nan, complete=len(part) == count)
        at += count
