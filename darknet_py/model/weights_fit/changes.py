"""The changes of a cfg with which its file would have a given number of floats: classes, anchors, channels.

Each is solved for: the floats of the layer before a head are proportional to its filters, those of the
weights that read the image to its channels. What cannot be solved in this way is not proposed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from darknet_py.graph.graph import Graph, Node
from darknet_py.layers.heads.anchored import Anchored
from darknet_py.layers.heads.detection import DetectionHead
from darknet_py.layers.heads.head import Head
from darknet_py.layers.parametric.connected import Connected
from darknet_py.layers.parametric.convolutional import Convolutional
from darknet_py.model.weights_fit.parts import FileParts, floats_of, scaled, total

CHANNELS = (1, 3, 4)  # of images: grey, colour, and colour with one more
MOST_CLASSES, MOST_ANCHORS = 10_000, 20


class FittingEdit(NamedTuple):
    """A change of a cfg: in words, and the arrays of its file then."""

    words: str
    parts: FileParts


@dataclass(frozen=True)
class Outputs:
    """The layer before a head or a classifier's end, which has boxes * (box + classes) filters.

    Args:
        layer: its index.
        boxes: anchors of each cell; of a classifier 1.
        box: numbers of a box besides its classes.
        per_filter: floats that a filter adds to the file.
        anchors: how the number of anchors is called; empty where another one cannot be told.
    """

    layer: int
    boxes: int
    box: int
    classes: int
    per_filter: int
    anchors: str = ""

    @property
    def filters(self) -> int:
        """As the cfg has them."""
        return self.boxes * (self.box + self.classes)


def changes(graph: Graph, parts: FileParts, floats: int) -> Iterator[FittingEdit]:
    """The changes that give a file `floats` floats: first of one thing, then of the image's channels too."""
    outputs = outputs_of(graph, parts)
    yield from _of_outputs(graph, parts, outputs, floats)
    for channels, other in _of_channels(graph, parts):
        if total(other) == floats:
            yield FittingEdit(f"channels={channels}", other)
        for change in _of_outputs(graph, other, outputs, floats):
            yield FittingEdit(f"channels={channels} and {change.words}", change.parts)


def outputs_of(graph: Graph, parts: FileParts) -> list[Outputs]:
    """The layers before the heads, or the last weights of a classifier; none where one is not understood."""
    ends = graph.heads or (() if graph.classifier is None else (graph.classifier,))
    found = [_outputs(graph, graph[end], parts) for end in ends]
    return [one for one in found if one] if all(found) else []


def _outputs(graph: Graph, end: Node, parts: FileParts) -> Outputs | None:
    source = _weights_before(graph, end)
    if source is None:
        return None
    filters, floats, head = source.shape.channels, floats_of(parts, source.index), end.layer
    each = floats // filters
    found = Outputs(source.index, 1, 0, end.shape.floats, each)
    if isinstance(head, DetectionHead):
        found = Outputs(source.index, head.side**2, 5 * head.num, head.classes, each)
    elif isinstance(head, Head):
        masks = isinstance(head, Anchored) and len(head.mask) != head.num
        words = "masks of {} anchors" if masks else "num={}"
        found = Outputs(
            source.index, head.boxes_per_cell, head.entries - head.classes, head.classes, each, words
        )
    return found if each and floats % filters == 0 and found.filters == filters else None


def _weights_before(graph: Graph, end: Node) -> Node | None:
    """The layer whose filters the end reads; None where another one reads them, or weights lie between."""
    readers = Counter(source for node in graph for source in node.inputs)
    node = end
    while len(node.inputs) == 1 and node.inputs[0] >= 0 and readers[node.inputs[0]] == 1:
        node = graph[node.inputs[0]]
        if isinstance(node.layer, (Convolutional, Connected)):
            return node
        if node.cost.parameters:
            break
    return None


def _of_outputs(graph: Graph, parts: FileParts, outputs: list[Outputs], floats: int) -> Iterator[FittingEdit]:
    """Other classes or anchors; where it is neither, another number of filters before the heads."""
    if not outputs:
        return
    need = floats - total(parts) + sum(one.per_filter * one.filters for one in outputs)
    solved = False
    boxes = sum(one.per_filter * one.boxes * one.box for one in outputs)
    classes, rest = divmod(need - boxes, sum(one.per_filter * one.boxes for one in outputs))
    if not rest and 0 < classes <= MOST_CLASSES and {one.classes for one in outputs} != {classes}:
        solved = True
        words = f"classes={classes}" if graph.heads else f"{classes} outputs of layer {outputs[0].layer}"
        yield _with_filters(words, parts, {one: one.boxes * (one.box + classes) for one in outputs})
    if not all(one.anchors for one in outputs):
        return
    anchors, rest = divmod(need, sum(one.per_filter * (one.box + one.classes) for one in outputs))
    if not rest and 0 < anchors <= MOST_ANCHORS and {one.boxes for one in outputs} != {anchors}:
        solved = True
        words = outputs[0].anchors.format(anchors)
        yield _with_filters(words, parts, {one: anchors * (one.box + one.classes) for one in outputs})
    filters, rest = divmod(need, sum(one.per_filter for one in outputs))
    least = max(one.box for one in outputs) + 1
    if not (rest or solved) and filters >= least and {one.filters for one in outputs} != {filters}:
        yield _with_filters(f"filters={filters} before its heads", parts, dict.fromkeys(outputs, filters))


def _with_filters(words: str, parts: FileParts, filters: dict[Outputs, int]) -> FittingEdit:
    return FittingEdit(words, scaled(parts, {one.layer: (one.filters, n) for one, n in filters.items()}))


def _of_channels(graph: Graph, parts: FileParts) -> Iterator[tuple[int, FileParts]]:
    """The arrays with other channels of the image, where convolutions alone read it."""
    first = [node for node in graph if -1 in node.inputs]
    if not all(isinstance(node.layer, Convolutional) and node.layer.blocks == 1 for node in first):
        return
    before = graph.net.channels
    for channels in CHANNELS:
        if channels != before and first:
            sides = {node.index: (before, channels) for node in first}
            yield channels, scaled(parts, sides, names="weights")
