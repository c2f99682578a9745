"""What a weights file holds with a cfg: every array, whether it fits, and what is wrong where it does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from darknet_py.graph.graph import Graph
from darknet_py.model.network import Network
from darknet_py.model.weights import file_layout
from darknet_py.model.weights_file import ArraySpecs, parts_of
from darknet_py.model.weights_fit.file import WeightsFile
from darknet_py.model.weights_fit.inspected import ArraySummary, Inspection, inspect_header, open_weights
from darknet_py.model.weights_fit.parts import is_lacking, total
from darknet_py.model.weights_fit.suggestions import suggestions
from darknet_py.model.weights_fit.values import Floats, survey


def inspect_weights(path: Path, graph: Graph) -> Inspection:
    """Summarise every array of a file, and compare it with a cfg.

    Raises:
        WeightsError: when it is no weights file.
        CfgError: when the network of the cfg cannot be built.
    """
    file, _ = open_weights(path)
    specs = _specs(graph, file)
    parts, values = parts_of(specs), file.values()
    layers = tuple(_summaries(specs, values, file.header))
    expected, damage = total(parts), [one for one in layers if one.nan]
    left_over = file.size - file.header - 4 * expected
    plausible = survey(parts, values).fits
    hints = [] if left_over == 0 and plausible else suggestions(graph, parts, file)
    if damage:
        where = f"the {damage[0].array} of layer {damage[0].layer}"
        hints.append(f"{sum(one.nan for one in damage):,} NaN or infinite numbers, the first in {where}")
    found = inspect_header(path)
    return replace(
        found,
        expected=expected,
        fits=left_over == 0 and plausible and not damage,
        left_over=left_over,
        layers=layers,
        suggestions=(*hints, *found.suggestions),
    )


def _specs(graph: Graph, file: WeightsFile) -> ArraySpecs:
    """The arrays of a file: all, or without those that the cfg says Darknet's file lacks."""
    with torch.device("meta"):
        specs = [array.spec for array in file_layout(Network(graph))]
    complete = file.size == file.header + 4 * total(parts_of(specs))
    return specs if complete else [one for one in specs if not is_lacking(one.node.layer, one.name)]


def _summaries(specs: ArraySpecs, values: Floats, header: int) -> Iterator[ArraySummary]:
    at = 0
    for array in specs:
        count = array.floats
        part = values[at : at + count]
        finite = part if np.isfinite(part).all() else part[np.isfinite(part)]
        mean = deviation = greatest = None
        if len(finite):
            mean, deviation = float(finite.mean(dtype=np.float64)), float(finite.std(dtype=np.float64))
            greatest = float(np.abs(finite).max())
        node, nan = array.node, len(part) - len(finite)
        place = (node.index, node.layer.section, array.name, array.shape, header + 4 * at)
        yield ArraySummary(*place, mean, deviation, greatest, nan, complete=len(part) == count)
        at += count
