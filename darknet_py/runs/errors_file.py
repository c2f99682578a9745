"""`errors.json` of a run: what each kind of error of a detector costs, and which classes it confuses."""

from __future__ import annotations

from pathlib import Path

from darknet_py.files.json_fields import file_exists, read_json_object
from darknet_py.runs.log import write_json
from darknet_py.runs.records import ErrorFacts
from darknet_py.scoring.errors.confusion import Confusion
from darknet_py.scoring.errors.costs import ErrorCosts
from darknet_py.scoring.errors.kinds import ErrorKind


def write_errors(path: Path, costs: ErrorCosts, found: Confusion, *, detections: str) -> None:
    """Write the file.

    Args:
        detections: the sha256 of the file of detections that they are of.
    """
    content = {
        "detections": detections,
        "kinds": {one.kind.value: {"count": one.count, "cost": one.cost} for one in costs.kinds},
        "confusion": {"score": found.score, "iou": found.iou, "matrix": found.matrix.tolist()},
    }
    write_json(path, content)


def is_of(path: Path, *, detections: str) -> bool:
    """Whether there is a file, of the detections with this sha256.

    Raises: ReportError: when the file is damaged.
    """
    return file_exists(path) and read_json_object(path).text("detections") == detections


def read_errors(path: Path, *, classes: int) -> ErrorFacts | None:
    """Read the file of a run; None where there is none.

    Raises: ReportError: when the file is damaged.
    """
    if not file_exists(path):
        return None
    content = read_json_object(path)
    kinds, confusion = content.child("kinds"), content.child("confusion")
    parts = {kind.value: kinds.child(kind.value) for kind in ErrorKind}
    return ErrorFacts(
        costs={kind: part.score("cost") for kind, part in parts.items()},
        counts={kind: part.count("count") for kind, part in parts.items()},
        confusion=confusion.count_matrix("matrix", side=classes + 1),
        score=confusion.number("score", low=0),
        iou=confusion.number("iou", low=0),
    )
