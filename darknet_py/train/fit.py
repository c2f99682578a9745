"""A cfg fitted to its data and to the epochs asked for, as edits of its text: the record of a run is its cfg.

Classes: `classes` of every head, and `filters` of the convolution before it; of a classifier, `output` or
`filters` of the last layer with weights. Epochs: `max_batches`, and with it the warm-up and the steps; where
the batch would leave fewer than `LEAST_UPDATES` updates, the batch shrinks, and the learning rate with its
square root, as the noise of the gradient grows (Krizhevsky, "One weird trick", 2014, arXiv:1404.5997).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from darknet_py.cfg.document import Document
from darknet_py.cfg.edits import set_value
from darknet_py.errors import UsageError
from darknet_py.graph.graph import Graph
from darknet_py.lint.check import compile_checked

LEAST_UPDATES = 300  # fewer do not move a network's running statistics and momentum to where they belong
LONGEST_BURN_IN = 0.1  # of the iterations


@dataclass(frozen=True)
class BatchLimits:
    """When a batch is made smaller, and how far.

    Args:
        least_updates: fewer updates in a training make the batch smaller.
        least_batch: the smallest batch that is chosen.
        processes: that share a batch; a smaller one is a multiple of their number.
    """

    least_updates: int = LEAST_UPDATES
    least_batch: int = 1
    processes: int = 1


def fit_to_data(
    graph: Graph, *, classes: int, images: int, epochs: float | None, limits: BatchLimits | None = None
) -> Graph:
    """The network for a data set of `images` images and `classes` classes, trained for `epochs`."""
    document = graph.document
    for position, key, value in [
        *_for_classes(graph, classes),
        *_for_epochs(graph, images, epochs, limits or BatchLimits()),
    ]:
        entry = document.sections[position].first(key)
        if entry is None or _bare(entry.value) != value:
            document = set_value(document, position, key, value)
    return graph if document is graph.document else compile_checked(document)


def describe_changes(before: Document, after: Document) -> Iterator[str]:
    """Each key that was set, as text; both documents have the same sections."""
    for position, (old, new) in enumerate(zip(before.sections, after.sections, strict=True)):
        where = "[net]" if position == 0 else f"layer {position - 1}"
        for entry in new.entries:
            was = old.first(entry.key)
            if new.first(entry.key) is entry and (was is None or was.value != entry.value):
                first = "its default" if was is None else _bare(was.value)
                yield f"{where} {entry.key} {first} -> {_bare(entry.value)}"


def _bare(value: str) -> str:
    """A value without the comment behind it."""
    return re.split("[#;]", value)[0].strip()


def _for_classes(graph: Graph, classes: int) -> Iterator[tuple[int, str, str]]:
    for index, head in zip(graph.heads, graph.head_layers, strict=True):
        if head.classes != classes:
            filters = head.boxes_per_cell * (head.entries - head.classes + classes)
            yield index + 1, "classes", str(classes)
            yield graph[index].inputs[0] + 1, "filters", str(filters)
    if graph.classifier is not None and graph[graph.classifier].shape.floats != classes:
        yield (*_last_weights(graph, graph.classifier), str(classes))


def _last_weights(graph: Graph, classifier: int) -> tuple[int, str]:
    """The section, and its key, that say how many numbers a classifier's [softmax] reads."""
    node, wanted = graph[classifier], graph[classifier].shape.floats
    while len(node.inputs) == 1 and node.inputs[0] >= 0:
        node = graph[node.inputs[0]]
        key = next((key for key in ("output", "filters") if hasattr(node.layer, key)), "")
        if key and getattr(node.layer, key) == wanted:
            return node.index + 1, key
        if key:
            break  # what stands before it does not decide how many numbers come out
    name = graph[classifier].name
    raise UsageError(
        f"{name} has {wanted} classes, and no layer before it has an output or filters of that number",
        hint="set the number of classes by hand",
    )


def _for_epochs(
    graph: Graph, images: int, epochs: float | None, limits: BatchLimits
) -> Iterator[tuple[int, str, str]]:
    if epochs is None:
        return
    net = graph.net
    total = max(1, round(epochs * images))
    processes = limits.processes
    batch = max(min(limits.least_batch, net.batch, images), min(net.batch, total // limits.least_updates))
    if batch < net.batch:
        batch = max(processes, batch - batch % processes)
    updates = max(1, -(-total // batch))
    if batch != net.batch:
        yield 0, "batch", str(batch)
        share = max(1, batch // processes)
        subdivisions = next(d for d in range(min(share, net.subdivisions), 0, -1) if share % d == 0)
        yield 0, "subdivisions", str(subdivisions)
        yield 0, "learning_rate", f"{net.learning_rate * (batch / net.batch) ** 0.5:.6g}"
    yield 0, "max_batches", str(updates)
    yield 0, "burn_in", str(min(net.burn_in, round(LONGEST_BURN_IN * updates)))
    if net.policy == "steps" and net.max_batches:
        steps = [round(step * updates / net.max_batches) for step in net.steps]  # at the same fractions
        yield 0, "steps", ",".join(map(str, steps))
