"""The log of one training: its loss and some figures along the epochs.

A run that was killed leaves a torn line, and a run that went on writes some iterations twice. Lines that
cannot be read are passed over; of two lines of one iteration the later counts.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from darknet_py.files.json_fields import read_text

# A log of a million lines has some 150 MB.
LARGEST_LOG = 1 << 28

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Curves:
    """What the log says along the way: (epoch, value) in order; figures are 0..1."""

    loss: Points
    figures: Mapping[str, Points]


def read_curves(path: Path, *, figures: Sequence[str]) -> Curves:
    """Read the loss and some figures of a log.jsonl.

    Raises:  ReportError: when it is missing, or larger than any log.
    """
    found: dict[str, dict[float, tuple[float, float]]] = {key: {} for key in ("loss", *figures)}
    for entry in _entries(read_text(path, largest=LARGEST_LOG)):
        for key, points in found.items():
            if _is_finite(entry.get(key)):
                points[entry["iteration"]] = (float(entry["epoch"]), float(entry[key]))
    curves = {key: tuple(points[at] for at in sorted(points)) for key, points in found.items()}
    return Curves(curves.pop("loss"), curves)


def thinned(points: Points, most: int) -> Points:
    """Average neighbours until at most `most` points are left.

    >>> thinned(((0.0, 1.0), (1.0, 3.0), (2.0, 5.0), (3.0, 7.0)), 2)
    ((0.5, 2.0), (2.5, 6.0))
    """
    step = max(1, math.ceil(len(points) / most))
    groups = (points[at : at + step] for at in range(0, len(points), step))
    return tuple(
        (sum(x for x, _ in group) / len(group), sum(y for _, y in group) / len(group)) for group in groups
    )


def _entries(text: str) -> Iterator[dict[str, Any]]:
    for line in text.split("\n"):
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(entry, dict) and _is_finite(entry.get("iteration")) and _is_finite(entry.get("epoch")):
            yield entry


def _is_finite(value: object) -> bool:
    return isinstance(value, (int, float)) and abs(value) < 1e300
