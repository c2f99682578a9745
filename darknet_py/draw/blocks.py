"""Boxes of a picture: a layer, or a run of equal blocks of layers.

A block that repeats, as the residual blocks of darknet53 do, is drawn once with its count. A [route] that
passes one map on unchanged is no box: it is a part of the line from the layer it names to its reader.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from darknet_py.graph.graph import Graph, Node
from darknet_py.layers.merging.route import Route

IMAGE = -1
LONGEST_BLOCK = 8


@dataclass(frozen=True)
class Line:
    """A map on its way: the box that it comes from, and the routes that pass it on."""

    source: int  # number of a box
    via: tuple[int, ...] = ()


@dataclass(frozen=True)
class Box:
    """A layer, or `times` equal blocks: `nodes` are those of the first. The image has none."""

    nodes: tuple[Node, ...]
    times: int
    lines: tuple[Line, ...]

    @property
    def last(self) -> int:
        """The index of the layer whose map leaves the box."""
        return self.nodes[0].index + len(self.nodes) * self.times - 1 if self.nodes else IMAGE


def boxes(graph: Graph, marks: Mapping[int, object]) -> list[Box]:
    """The image, then the layers in order; layers with different marks are not equal."""
    passing = {  # routes that pass one map on
        node.index
        for node in graph
        if isinstance(node.layer, Route) and node.layer.groups == 1 and len(node.inputs) == 1
        if node.index not in graph.outputs and node.index not in marks
    }
    readers: dict[int, set[int]] = {}
    for node in graph:
        for source in node.inputs:
            readers.setdefault(source, set()).add(node.index)
    found, made, at = [Box((), 1, ())], {IMAGE: 0}, 0
    while at < len(graph):
        if at in passing:
            at += 1
            continue
        length, times = _run(graph, at, readers, passing, marks)
        nodes = graph[at : at + length]
        outside = dict.fromkeys(i for node in nodes for i in node.inputs if i < at)
        found.append(Box(nodes, times, tuple(dict.fromkeys(_line(graph, i, passing, made) for i in outside))))
        at += length * times
        made[at - 1] = len(found) - 1
    return found


def _line(graph: Graph, source: int, passing: set[int], made: Mapping[int, int]) -> Line:
    via: list[int] = []
    while source in passing:
        via.append(source)
        (source,) = graph[source].inputs
    return Line(made[source], tuple(reversed(via)))


def _run(
    graph: Graph, at: int, readers: Mapping[int, set[int]], passing: set[int], marks: Mapping[int, object]
) -> tuple[int, int]:
    """Length and count of the blocks that begin here and fill the most layers; (1, 1) for none."""

    def identity(node: Node) -> tuple[object, ...]:
        steps = tuple(node.index - source for source in node.inputs)
        return node.layer, steps, node.maps, node.shape, marks.get(node.index)

    def closed(length: int, times: int) -> bool:
        """Whether each block reads the layer before it alone, and is read by the next at its last layer."""
        every = range(at, at + length * times)
        hidden = set(every[:-1])
        if passing & set(every) or hidden & set(graph.outputs):
            return False
        for index in every:
            begin = at + (index - at) // length * length
            end = begin + length + (length if index == begin + length - 1 else 0)
            inward = all(source >= begin - 1 for source in graph[index].inputs)
            if not inward or (index in hidden and not readers.get(index, set()) <= set(range(begin, end))):
                return False
        return True

    best = (1, 1)
    for length in range(1, LONGEST_BLOCK + 1):
        times, block = 1, [identity(node) for node in graph[at : at + length]]
        while [identity(node) for node in graph[at + times * length : at + (times + 1) * length]] == block:
            times += 1
        times = next((n for n in range(times, 1, -1) if closed(length, n)), 1)
        if times > 1 and times * length > best[0] * best[1]:
            best = (length, times)
    return best


def heights(found: Sequence[Box]) -> list[int]:
    """For each box, how many boxes follow it on the longest way down."""
    deep = [0] * len(found)
    for number in range(len(found) - 1, -1, -1):
        for line in found[number].lines:
            deep[line.source] = max(deep[line.source], deep[number] + 1)
    return deep
