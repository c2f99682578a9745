"""Data sets with their classes in the order of a network: labels are changed, names and order are kept."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from darknet_py.data.class_matching import ClassList, are_placeholders, match_classes
from darknet_py.data.dataset import Dataset
from darknet_py.data.formats.labelled.base import Labelled

DatasetT = TypeVar("DatasetT", bound=Dataset)


def in_order(
    data: DatasetT, expected: ClassList, *, source: str, own_spelling: bool = False, hint: str = ""
) -> DatasetT:
    """Return a data set with the classes of a list; what was matched is in its `notes`.

    Args:
        data: it stays as it is, and shares everything but the labels with the one that is returned.
        expected: the classes, in the order that is kept.
        source: what the data set is called in messages, such as "val".
        own_spelling: keep the names of the data where both have a name.
        hint: what to do where the classes do not match.

    Raises: DataError: when a class with boxes is not in the list, see `match_classes`.
    """
    found = ClassList(data.names, source, "image" if isinstance(data, Labelled) else "box")
    match = match_classes(expected, found, lambda: boxes_per_class(data), hint=hint)
    names = list(expected.names)
    if own_spelling and not are_placeholders(data.names):
        for label, name in zip(match.labels, data.names, strict=True):
            if label is not None:
                names[label] = name
    if not match.notes and match.unchanged and tuple(names) == data.names:
        return data
    other = copy.copy(data)
    for cached in ("fingerprint", "summary"):
        vars(other).pop(cached, None)
    other.names, other.notes = tuple(names), (*data.notes, *match.notes)
    other.category_ids = _category_ids(data, match.labels, len(names))
    other.map_labels(np.array([-1 if label is None else label for label in match.labels], np.int64))
    return other


def boxes_per_class(data: Dataset) -> Sequence[int]:
    """Count the boxes of each class, those of crowds too; of labelled images, the images."""
    counts = data.box_counts()
    if counts is not None and not counts.crowd:
        return counts.per_class
    labels = [data.record(index).labels for index in range(len(data))]
    return tuple(np.bincount(np.concatenate(labels), minlength=len(data.names)).tolist())


def _category_ids(data: Dataset, labels: Sequence[int | None], classes: int) -> tuple[int, ...]:
    """The category id of each class in the new order; one that the data lack has a number of its own."""
    known = {label: data.category_ids[at] for at, label in enumerate(labels) if label is not None}
    unused = max(data.category_ids, default=0) + 1
    for label in range(classes):
        if label not in known:
            known[label] = unused
            unused += 1
    return tuple(known[label] for label in range(classes))
