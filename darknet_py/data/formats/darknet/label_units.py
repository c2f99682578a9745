"""The units of the boxes in label files, judged over all files of a split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from darknet_py.data.formats.box_units import LABEL_UNITS, BoxUnits, UnitsVerdict, judge_units
from darknet_py.data.formats.darknet.label_lines import Numbers
from darknet_py.data.images.read import image_size
from darknet_py.errors import DataError

MOST_HEADERS = 1000  # of images, that are read to judge


def judge_labels(
    paths: Sequence[Path], labels: Sequence[np.ndarray], beyond: Sequence[Sequence[Numbers]]
) -> UnitsVerdict | None:
    """Judge the label files of some images; headers of images are read only where something is odd.

    Args:
        paths: of the images.
        labels: (T, 5) rows of each, as they are written.
        beyond: the four numbers of further rows of each, which are no fractions.
    """
    numbers = [
        np.concatenate([rows[:, 1:], np.array(more, dtype=np.float64).reshape(-1, 4)])
        if more
        else rows[:, 1:]
        for rows, more in zip(labels, beyond, strict=True)
    ]
    together = np.concatenate(numbers) if numbers else np.zeros((0, 4))
    if judge_units(together, np.full((len(together), 2), np.inf), LABEL_UNITS) is None:
        return None
    sizes, judged = [], []
    for path, rows in zip(paths, numbers, strict=True):
        size = _size_of(path) if len(rows) else None
        if size:
            judged.append(rows)
            sizes.append(np.tile(size, (len(rows), 1)))
        if len(sizes) == MOST_HEADERS:
            break
    return judge_units(np.concatenate(judged), np.concatenate(sizes), LABEL_UNITS) if judged else None


def as_fractions(numbers: Numbers, centred: bool, *, units: BoxUnits, size: tuple[int, int]) -> Numbers:
    """The four numbers of a box in some units, as Darknet has them.

    Args:
        centred: whether they are centre, width and height, as around a polygon, in the scale of the units.
    """
    units = replace(units, order="centre") if centred else units
    width, height = size
    x, y, w, h = units.box_xywh(numbers, size)
    return (x + w / 2) / width, (y + h / 2) / height, w / width, h / height


def _size_of(path: Path) -> tuple[float, float] | None:
    """Width and height of an image; None where it cannot be read, which others report."""
    try:
        height, width = image_size(path)
    except (DataError, OSError):
        return None
    return float(width), float(height)
