"""Boxes of a data set drawn on its images, which shows whether they are read as they were meant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from darknet_py.data.dataset import Dataset, Record
from darknet_py.errors import UsageError
from darknet_py.predict.drawing import ascii_of, draw_boxes
from darknet_py.predict.outputs.names import output_paths
from darknet_py.predict.outputs.pictures import publish_picture


class TruthPicture(NamedTuple):
    """A picture that was drawn: of which image, with how many boxes, and where it is."""

    image: str
    boxes: int
    file: Path


def draw_truths(data: Dataset, out: Path, *, count: int) -> Iterator[TruthPicture]:
    """Draw the boxes of some images, spread evenly over the data set, with their class names.

    Args:
        out: a folder that is not there, or is empty.
        count: how many; all where there are fewer.

    Raises: DataError, UsageError: when an image cannot be read, or a picture cannot be written.
    """
    if out.is_dir() and any(out.iterdir()):
        raise UsageError("is there already, and not empty", where=out, hint="name a new folder")
    indices = np.unique(np.linspace(0, len(data) - 1, min(count, len(data))).round().astype(int)).tolist()
    records = [data.record(index) for index in indices]
    outputs = output_paths([Path(record.name.replace("\\", "/")) for record in records], out)
    for index, record, output in zip(indices, records, outputs, strict=True):
        publish_picture(output, draw_boxes(data.pixels(index), _tagged(record, data.names)))
        yield TruthPicture(record.name, len(record.labels), output)


def _tagged(record: Record, names: Sequence[str]) -> list[tuple[list[float], str, int]]:
    """Corners, class name and label of each box; the smallest last, to lie on top."""
    first, sides = record.boxes_xywh[:, :2], record.boxes_xywh[:, 2:]
    corners = np.concatenate([first, first + sides], axis=1).tolist()
    order = np.argsort(-sides.prod(axis=1), kind="stable").tolist()
    crowds = [" (ignored in scoring)" if crowd else "" for crowd in record.crowd.tolist()]
    labels = record.labels.tolist()
    drawn = [ascii_of(name) for name in names]
    return [(corners[at], f"{drawn[labels[at]]}{crowds[at]}", labels[at]) for at in order]
