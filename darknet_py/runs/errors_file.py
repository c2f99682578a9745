"""`errors.json` of a run: what each kind of error of a detector costs, and which classes it confuses;
and its figures by properties of objects and images.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from darknet_py.files.json_fields import JsonObject, file_exists, read_json_object
from darknet_py.runs.log import write_json
from darknet_py.runs.records import ErrorFacts
from darknet_py.scoring.errors.confusion import Confusion
from darknet_py.scoring.errors.costs import ErrorCosts
from darknet_py.scoring.errors.kinds import ErrorKind
from darknet_py.scoring.slices.figures import GroupFigures, Slice


def write_errors(
    path: Path, costs: ErrorCosts, found: Confusion, slices: Sequence[Slice], *, detections: str
) -> None:
    """Write the file.

    Args:
        detections: the sha256 of the file of detections that they are of.
    """
    content = {
        "detections": detections,
        "kinds": {one.kind.value: {"count": one.count, "cost": one.cost} for one in costs.kinds},
        "confusion": {"score": found.score, "iou": found.iou, "matrix": found.matrix.tolist()},
        "slices": [
            {
                "title": one.title,
                "groups": [{"name": group.name, **group.to_json()} for group in one.groups],
            }
            for one in slices
        ],
    }
    write_json(path, content)


def is_of(path: Path, *, detections: str) -> bool:
    """Whether there is a complete file, of the detections with this sha256; earlier versions wrote no slices.

    Raises: ReportError: when the file is damaged.
    """
    if not file_exists(path):
        return False
    content = read_json_object(path)
    return content.text("detections") == detections and "slices" in content.values


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
        slices=_slices(content) if "slices" in content.values else (),
    )


def _slices(content: JsonObject) -> tuple[Slice, ...]:
    return tuple(
        Slice(one.text("title"), tuple(_group(group) for group in one.children("groups")))
        for one in content.children("slices")
    )


def _group(of: JsonObject) -> GroupFigures:
    recall, ap, ap50 = (of.score(key) for key in ("recall", "ap", "ap50"))
    return GroupFigures(of.text("name"), of.count("objects"), recall, ap, ap50)
