"""Which class of one network is which of another, where weights are carried from the first to the second."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from darknet_py.data.class_matching import are_placeholders, labels_by_name
from darknet_py.data.formats.coco.names import COCO_NAMES
from darknet_py.graph.graph import Graph
from darknet_py.predict.network_classes import classes_of_graph, read_network_names


def carried_classes(
    old: Graph, names: Path | None, new_names: Sequence[str] | None
) -> tuple[int | None, ...] | None:
    """Find each class of the new network in the old one, by name.

    Args:
        names: the file of the old network's names; without one, 80 classes are COCO's if one of the new
            names is, as in `detect`.
        new_names: of the new network; None where they are not known.

    Returns:
        For each new class the old one, None for one that the old network lacks; None in all where names are
        not known, or only count.

    Raises: DataError: when the file cannot be read, or has another number of names.
    """
    if new_names is None:
        return None
    classes = classes_of_graph(old)
    known = None if names is None else read_network_names(names, classes)
    if known is None and classes == len(COCO_NAMES):
        known = COCO_NAMES if any(at is not None for at in labels_by_name(COCO_NAMES, new_names)) else None
    if known is None or are_placeholders(known) or are_placeholders(new_names):
        return None
    return labels_by_name(known, new_names)
