"""The file of Darknet's `detector test -out FILE`: frames with objects, boxes in fractions of the image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from darknet_py.errors import DataError, quoted
from darknet_py.scoring.results.places import Places, Rows, Unknown, is_number
from darknet_py.scoring.tables import DetectionTable

NUMBERS = ("center_x", "center_y", "width", "height")


def is_darknet(entries: Sequence[Any]) -> bool:
    """Whether a JSON list has frames."""
    return bool(entries) and isinstance(entries[0], dict) and "objects" in entries[0]


def read_darknet(frames: Sequence[Any], places: Places, path: Path) -> DetectionTable:
    """The detections of all frames, in the order of the file; classes by name, images by the file's name.

    Raises: DataError: when a frame or an object is none, or is of other images or classes.
    """
    rows, labels = Rows(), {name: label for label, name in enumerate(places.names)}
    images, classes, total = Unknown("image"), Unknown("class"), 0
    seen: dict[int, int] = {}
    for number, frame in enumerate(frames):
        if not isinstance(frame, dict) or not isinstance(frame.get("objects"), list):
            _refuse(path, f"frame {number}", "it has no objects")
        name = frame.get("filename")
        if not isinstance(name, str):
            _refuse(path, f"frame {number}", "it has no filename, so its image is not known")
        image = _image(name, places)
        if image is None:
            images.add(name, f"frame {number}")
        elif seen.setdefault(image, number) != number:
            _refuse(path, f"frame {number}", f"its image is that of frame {seen[image]}")
        for at, one in enumerate(frame["objects"]):
            where = f"frame {number}, object {at}"
            class_name, box, score = _object(one, path, where)
            total += 1
            if class_name not in labels:
                classes.add(class_name, where)
            elif image is not None:
                rows.add(image, labels[class_name], box, score)
    hint = "results are scored on the images they were computed from: another --data or --split?"
    images.check(path, places.source, len(frames), hint=hint)
    known = ", ".join(quoted(name) for name in places.names[:5])
    classes.check(path, places.source, total, hint=f"classes are matched by name; the first are {known}")
    return rows.centred_table(places)


def _image(name: str, places: Places) -> int | None:
    """The image of a path that another machine wrote: by as much of its end as one image has."""
    parts = name.replace("\\", "/").split("/")
    tails = ["/".join(parts[start:]) for start in range(len(parts))]
    stem = parts[-1].rpartition(".")[0]
    return next((places.files[tail] for tail in (*tails, stem) if tail in places.files), None)


def _object(one: Any, path: Path, where: str) -> tuple[str, list[float], float]:
    """The name of the class, the box and the score of an object."""
    if not isinstance(one, dict) or not isinstance(one.get("name"), str):
        _refuse(path, where, "it has no name")
    relative = one.get("relative_coordinates")
    box: list[Any] = [relative.get(key) for key in NUMBERS] if isinstance(relative, dict) else []
    for value in (*box, one.get("confidence")):
        if not is_number(value):
            _refuse(path, where, f"{quoted(value)} is not a finite number below 1e15")
    if not box:
        _refuse(path, where, "it has no relative_coordinates")
    return str(one["name"]), box, float(one["confidence"])


def _refuse(path: Path, where: str, message: str) -> NoReturn:
    hint = "expected the file of `darknet detector test DATA CFG WEIGHTS -out FILE`"
    raise DataError(f"{where}: {message}", where=path, hint=hint)
