"""Which cfgs a weights file fits: by their declarations, without building a network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from darknet_py.errors import DarknetPyError
from darknet_py.graph.graph import Graph, Node
from darknet_py.layers.parametric.convolutional import Convolutional
from darknet_py.lint.api import compile
from darknet_py.model.weights_fit.file import WeightsFile
from darknet_py.model.weights_fit.parts import SCALES, FilePart, FileParts, is_lacking, layers_of, total
from darknet_py.model.weights_fit.values import ENOUGH, survey

OTHERS = "numbers"  # the arrays of a layer that is no convolution, as one; their values tell nothing


@dataclass(frozen=True)
class Candidate:
    """A cfg that a file fits, with all of its layers or with the first.

    Args:
        layers: the first ones of the cfg, which the file has completely.
        of: layers of the cfg.
        missing: bytes that a complete file has more; 0 where the file ends with a layer.
    """

    cfg: str
    layers: int
    of: int
    missing: int


def candidates(file: WeightsFile, cfgs: Iterable[Path]) -> list[Candidate]:
    """The cfgs with as many floats as a file, or whose first layers have; else those that begin like it."""
    found = [one for cfg in cfgs for one in _candidate(file, cfg)]
    return [one for one in found if not one.missing] or found


def _candidate(file: WeightsFile, cfg: Path) -> Iterator[Candidate]:
    try:
        graph = compile(cfg)
        most = graph.cost.parameters
        if most < file.floats:
            return
        parts = declared_parts(graph, complete=most == file.floats)
    except DarknetPyError:
        return  # it is not of a network that can be built
    floats, whole = total(parts), (file.size - file.header) % 4 == 0
    found = survey(parts, file.values())
    if floats < file.floats or not found.fits:
        return
    if whole and floats == file.floats:
        yield Candidate(str(cfg), len(graph), len(graph), 0)
    elif whole and (layers := layers_of(parts, file.floats)):
        yield Candidate(str(cfg), layers, len(graph), 0)
    elif found.checked >= ENOUGH:
        ends = accumulate(part.floats for part in parts)
        cut = next(part.layer for part, end in zip(parts, ends, strict=True) if end > file.floats)
        yield Candidate(str(cfg), cut, len(graph), file.header + 4 * floats - file.size)


def declared_parts(graph: Graph, *, complete: bool = True) -> FileParts:
    """The arrays of a file by the declarations of its layers; those of other layers than convolutions as one.

    Args:
        complete: with the arrays that the cfg says Darknet's files lack.
    """
    found = [part for node in graph for part in _parts(node) if part.floats]
    return tuple(part for part in found if complete or not is_lacking(graph[part.layer].layer, part.name))


def _parts(node: Node) -> Iterator[FilePart]:
    layer, floats = node.layer, node.cost.parameters
    if not isinstance(layer, Convolutional) or layer.shared:
        yield FilePart(node.index, OTHERS, floats)
        return
    normed = SCALES if layer.batch_normalize else ()
    names = ("biases", *normed)
    yield from (FilePart(node.index, name, layer.filters) for name in names)
    yield FilePart(node.index, "weights", floats - len(names) * layer.filters)
