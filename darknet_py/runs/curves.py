"""The learning curves of a training, from its log: loss and scores along the epochs.

A run that was killed leaves an incomplete line, and a resumed run writes some iterations twice. Lines that
cannot be read are skipped; of two lines of one iteration the later counts.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from darknet_py.files.json_fields import read_text

LARGEST_LOG = 1 << 28  # bytes; a log of a million lines has some 150 MB

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Curves:
    """The learning curves of a run: (epoch, value) in order; scores are 0..1."""

    loss: Points
    figures: Mapping[str, Points]


def read_curves(path: Path, *, figures: Sequence[str]) -> Curves:
    """Read the loss and some scores of a log.jsonl.

    Raises:  ReportError: when it is missing, or larger than any log.
    """
    by_iteration: dict[str, dict[float, tuple[float, float]]] = {key: {} for key in ("loss", *figures)}
    for entry in log_entries(path):
        if _is_finite(entry.get("iteration")) and _is_finite(entry.get("epoch")):
            for key, points in by_iteration.items():
                if _is_finite(entry.get(key)):
                    points[entry["iteration"]] = (float(entry["epoch"]), float(entry[key]))
    curves = {key: tuple(points[at] for at in sorted(points)) for key, points in by_iteration.items()}
    return Curves(curves.pop("loss"), curves)


def log_entries(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a log.jsonl; lines that are no JSON object are skipped.

    Raises:  ReportError: when it is missing, or larger than any log.
    """
    for line in read_text(path, largest=LARGEST_LOG).split("\n"):
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(entry, dict):
            yield entry


def thin(points: Points, most: int) -> Points:
    """Average neighbouring points until at most `most` are left.

    >>> thin(((0.0, 1.0), (1.0, 3.0), (2.0, 5.0), (3.0, 7.0)), 2)
    ((0.5, 2.0), (2.5, 6.0))
    """
    step = max(1, math.ceil(len(points) / most))
    groups = (points[at : at + step] for at in range(0, len(points), step))
    return tuple(
        (sum(x for x, _ in group) / len(group), sum(y for _, y in group) / len(group)) for group in groups
    )


def _is_finite(value: object) -> bool:
    return isinstance(value, (int, float)) and abs(value) < 1e300
