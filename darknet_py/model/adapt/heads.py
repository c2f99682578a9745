"""Rows of the layer before a head: matched by the anchor's size, by what a number means, by class name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from darknet_py.errors import UsageError
from darknet_py.graph.graph import Graph
from darknet_py.layers.heads.anchored import Anchored
from darknet_py.layers.heads.detection import DetectionHead
from darknet_py.layers.heads.gaussian_yolo import GaussianYolo
from darknet_py.layers.heads.head import Head, anchor_pairs
from darknet_py.layers.heads.region import Region
from darknet_py.model.adapt.terms import RETURN_THEIR_INPUT, operation

BOX = ("x", "y", "w", "h", "objectness")
GAUSSIAN = ("x", "ux", "y", "uy", "w", "uw", "h", "uh", "objectness")
DECODED_BY = ("anchors", "scale_x_y", "new_coords", "yolo_point", "side", "sqrt", "softmax")

Sides = tuple[Graph, Graph]
Names = tuple[str, ...]


@dataclass(frozen=True)
class NamesOfBoth:
    """Names of the classes of A and of B; empty where they are not known."""

    a: Names = ()
    b: Names = ()


def check_names(graph: Graph, names: Names, option: str) -> None:
    """Refuse names that are not those of a network's classes.

    Raises:
        UsageError: when their number is another than a head's, or one is repeated.
    """
    twice = next((name for at, name in enumerate(names) if name in names[:at]), None)
    if twice is not None:
        raise UsageError(f"{option} has {twice!r} twice", hint="rows are matched by name")
    counts = {head.classes for head in graph.head_layers}
    if graph.classifier is not None:
        counts = {graph[graph.classifier].shape.floats}
    wrong = sorted(counts - {len(names)})
    if names and wrong:
        message = f"{option} has {len(names)} names, and the network {wrong[0]} classes"
        raise UsageError(message, where=graph.document.path)


def class_rows(a: int, b: int, names: NamesOfBoth) -> list[int | None]:
    """For each of b classes, the class of A that it is; without names by position, if they are as many."""
    if names.a and names.b:
        places = {name: at for at, name in enumerate(names.a)}
        return [places.get(name) for name in names.b]
    return list(range(b)) if a == b else [None] * b


def head_before(graph: Graph, at: int) -> int | None:
    """The head, or the classifier, that a layer gives the numbers of; None where it is another layer's."""
    ends = [*graph.heads, *([graph.classifier] if graph.classifier is not None else [])]
    return next((end for end in ends if _source(graph, end) == at), None)


def _source(graph: Graph, end: int) -> int:
    """The layer with rows whose channels an output reads, one after the other."""
    at = graph[end].inputs[0]
    while at >= 0 and len(graph[at].inputs) == 1:
        layer, kept = graph[at].layer, graph[at].shape.channels == graph[at].maps[0].channels
        if not (isinstance(layer, RETURN_THEIR_INPUT) or (layer.channelwise and kept)):
            break
        at = graph[at].inputs[0]
    return at


def head_rows(sides: Sides, ends: tuple[int, int], names: NamesOfBoth) -> list[int | None] | None:
    """For each row before B's head, the row before A's head with the same meaning; None: by position."""
    old, new = (graph[end].layer for graph, end in zip(sides, ends, strict=True))
    if not (isinstance(old, Head) and isinstance(new, Head)):
        if isinstance(old, Head) or isinstance(new, Head):
            return None
        before, after = (graph[end].shape.floats for graph, end in zip(sides, ends, strict=True))
        return class_rows(before, after, names)
    if isinstance(old, DetectionHead) or isinstance(new, DetectionHead):
        return None  # the classes of all cells come first: no row is a box's alone
    parts = [GAUSSIAN if isinstance(head, GaussianYolo) else BOX for head in (old, new)]
    if any(head.entries != len(part) + head.classes for head, part in zip((old, new), parts, strict=True)):
        return None
    classes = class_rows(old.classes, new.classes, names)
    rows: list[int | None] = []
    for anchor in _anchor_rows(old, new):
        first = None if anchor is None else anchor * old.entries
        entries = [parts[0].index(part) if part in parts[0] else None for part in parts[1]]
        entries += [None if at is None else len(parts[0]) + at for at in classes]
        rows += [None if first is None or at is None else first + at for at in entries]
    return rows


def decoded_otherwise(sides: Sides, ends: tuple[int, int]) -> str:
    """What makes the same raw numbers other boxes; empty where nothing does."""
    old, new = (graph[end].layer for graph, end in zip(sides, ends, strict=True))
    if not (isinstance(old, Head) and isinstance(new, Head)):
        return ""
    if type(old) is not type(new):
        return f"[{old.section}] became [{new.section}]"
    if sorted(_sizes(old)) != sorted(_sizes(new)):
        return "anchors differ"
    before, after = dict(operation(old)), dict(operation(new))
    keys = [key for key in DECODED_BY[1:] if before.get(key) != after.get(key)]
    return f"{keys[0]} {before.get(keys[0])} became {after.get(keys[0])}" if keys else ""


def _anchor_rows(old: Head, new: Head) -> list[int | None]:
    """For each anchor of B that of A with the same size; for the others that at the same position."""
    before, after = _sizes(old), _sizes(new)
    found: list[int | None] = []
    for size in after:
        equal = [at for at, other in enumerate(before) if other == size and at not in found]
        found.append(equal[0] if equal else None)
    return [
        at if found[at] is None and at < len(before) and at not in found else found[at]
        for at in range(len(after))
    ]


def _sizes(head: Head) -> Sequence[tuple[float, ...]]:
    if isinstance(head, Anchored):
        return head.masked
    if isinstance(head, Region):
        return anchor_pairs(head.anchors, head.num)
    return [()] * head.boxes_per_cell
