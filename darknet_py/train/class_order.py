"""The order of a network's classes in a training, and both splits of its data in this order.

A run that is resumed has recorded it. Weights to start from have it, where heads are read from them and their
names are known. Else it is that of the training split.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from darknet_py.data.class_matching import ClassList
from darknet_py.data.class_order import in_order
from darknet_py.data.dataset import Dataset
from darknet_py.errors import quoted
from darknet_py.graph.graph import Graph
from darknet_py.predict.network_classes import in_network_order, names_file, read_network_names
from darknet_py.runs.checkpoints import has_run
from darknet_py.runs.folders import RunFolder
from darknet_py.train.settings import Settings

Splits = tuple[Dataset, Dataset]


def match_splits(
    splits: Splits, graphs: Sequence[Graph], settings: Settings, folders: Sequence[Path]
) -> Splits:
    """Return training and validation data with the classes of the network, in its order.

    Args:
        graphs: the networks that are trained on them, fitted to their number of classes.
        folders: of their runs.

    Raises: DataError: when the data have boxes of a class that the network has not.
    """
    (train, val), weights, partial = splits, settings.weights, settings.partial
    recorded = next(filter(None, map(recorded_classes, folders)), None)
    if recorded:
        hint = "a run goes on with the classes that it began with; name another --out to begin anew"
        train = in_order(train, recorded, source="train", hint=hint)
    elif (
        weights
        and not settings.source
        and (partial is None or any(partial > _first_output(graph) for graph in graphs))
    ):
        found, classes = names_file((weights,)), len(train.names)
        names = settings.names or found
        if settings.names or found is None or len(read_network_names(found)) == classes:
            first = min(map(_first_output, graphs))
            hint = f"--partial {first} reads the layers before the outputs alone; " if first else ""
            hint += "--names FILE gives the classes of --weights in their order"
            train = in_network_order(train, classes, source="train", names=names, hint=hint)
    hint = "both splits need the same names; `darknet-py data check` examines them"
    return train, in_order(val, ClassList(train.names, "train"), source="val", hint=hint)


def _first_output(graph: Graph) -> int:
    """The first layer with weights of single classes: that before a head, or a classifier's last one."""
    if graph.classifier is not None:
        weighted = (node.index for node in graph[: graph.classifier] if node.cost.parameters)
        return max(weighted, default=len(graph))
    return min((graph[head].inputs[0] for head in graph.heads), default=len(graph))


def recorded_classes(folder: Path) -> ClassList | None:
    """The classes of a run that was begun, in the order of its network; None without such a record."""
    file = RunFolder(folder).names
    if not (has_run(folder) or RunFolder(folder).finished) or not file.is_file():
        return None
    text = file.read_bytes().decode("utf-8", "surrogateescape")
    return ClassList(tuple(text.removesuffix("\n").split("\n")), quoted(file))
