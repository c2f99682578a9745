"""Rows of the layer before a head: matched by the anchor's size, by what a number means, by class name."""

from __future__ import annotations

from collections.abc import Sequence

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
Classes = tuple[int | None, ...] | None  # for each class of B that of A; None: by position, if as many


def check_classes(a: Graph, b: Graph, classes: Classes) -> None:
    """Refuse classes that are not those of both networks.

    Raises:
        UsageError: when B has another number of them, or A has not all that are named.
    """
    if classes is None:
        return
    most = max((at + 1 for at in classes if at is not None), default=0)
    for graph, needed in ((b, len(classes)), (a, most)):
        counts = {head.classes for head in graph.head_layers}
        if graph.classifier is not None:
            counts = {graph[graph.classifier].shape.floats}
        if any(count != needed if graph is b else count < needed for count in counts):
            message = f"has {min(counts)} classes, and the names are of {needed}"
            raise UsageError(
                message, where=graph.document.path, hint="one name a line, in the order of classes"
            )


def class_rows(a: int, b: int, classes: Classes) -> list[int | None]:
    """For each of b classes, the class of A that it is; without names by position, if they are as many."""
    if classes is not None:
        return list(classes)
    return list(range(b)) if a == b else [None] * b


def describe_classes(a: int, b: int, classes: Classes) -> str:
    """How the classes of a head were matched."""
    if classes is not None:
        return f"{sum(at is not None for at in classes)} of {b} classes by name"
    return "classes by position" if a == b else "classes start anew: without names they cannot be matched"


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


def head_rows(sides: Sides, ends: tuple[int, int], classes: Classes) -> list[int | None] | None:
    """For each row before B's head, the row before A's head with the same meaning; None: by position."""
    old, new = (graph[end].layer for graph, end in zip(sides, ends, strict=True))
    if not (isinstance(old, Head) and isinstance(new, Head)):
        if isinstance(old, Head) or isinstance(new, Head):
            return None
        before, after = (graph[end].shape.floats for graph, end in zip(sides, ends, strict=True))
        return class_rows(before, after, classes)
    if isinstance(old, DetectionHead) or isinstance(new, DetectionHead):
        return None  # the classes of all cells come first: no row is a box's alone
    parts = [GAUSSIAN if isinstance(head, GaussianYolo) else BOX for head in (old, new)]
    if any(head.entries != len(part) + head.classes for head, part in zip((old, new), parts, strict=True)):
        return None
    labels = class_rows(old.classes, new.classes, classes)
    rows: list[int | None] = []
    for anchor in _anchor_rows(old, new):
        first = None if anchor is None else anchor * old.entries
        entries = [parts[0].index(part) if part in parts[0] else None for part in parts[1]]
        entries += [None if at is None else len(parts[0]) + at for at in labels]
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
