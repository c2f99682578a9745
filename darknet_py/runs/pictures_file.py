"""pictures/ of a comparison: small images that the report shows, and what each run finds in them.

Boxes are in pixels of the image. The report draws them itself, so an image is stored once for all runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from darknet_py.errors import ReportError
from darknet_py.files.json_fields import JsonObject, file_exists, read_json_object
from darknet_py.runs.log import write_json

NAME = "pictures.json"
LARGEST_SIDE = 1 << 20  # pixels of an image


@dataclass(frozen=True)
class TruthBox:
    """An object."""

    box_xywh: tuple[float, ...]
    label: int
    crowd: bool


@dataclass(frozen=True)
class FoundBox:
    """A detection; `true`: it is the first to get its object at an IoU of 0.5."""

    box_xywh: tuple[float, ...]
    label: int
    score: float
    true: bool


@dataclass(frozen=True)
class FoundInImage:
    """What one run finds in an image.

    Args:
        boxes: true detections, and false ones with a score from Darknet's threshold on.
        missed: the objects without a true detection, by their position.
        label: the class that a classifier predicts; None of detectors.
    """

    boxes: tuple[FoundBox, ...] = ()
    missed: tuple[int, ...] = ()
    label: int | None = None


@dataclass(frozen=True)
class StoredPicture:
    """An image of the validation data.

    Args:
        image_id: of the image; of classifiers its position.
        name: its file, as the source writes it.
        size: width and height in pixels.
        jpeg: the file of the small image; it may be missing.
        truths: its objects; of a classifier one, all of the image.
        found: by variant and seed.
    """

    image_id: int
    name: str
    size: tuple[int, int]
    jpeg: Path
    truths: tuple[TruthBox, ...]
    found: Mapping[tuple[str, int], FoundInImage]


def write_pictures(folder: Path, pictures: Sequence[StoredPicture], *, sources: Mapping[str, str]) -> None:
    """Write pictures.json; the images are there already.

    Args:
        sources: the digest of what the images were chosen by, of each run.
    """
    write_json(folder / NAME, {"sources": dict(sources), "images": [_to_json(one) for one in pictures]})


def pictures_are_of(folder: Path, sources: Mapping[str, str]) -> bool:
    """Whether pictures were written of these runs.

    Raises:  ReportError: when the file is damaged.
    """
    file = folder / NAME
    return file_exists(file) and read_json_object(file).child("sources").values == sources


def read_pictures(folder: Path, *, classes: int) -> dict[int, StoredPicture]:
    """The pictures of a folder by the id of their image; none where it has none.

    Raises:  ReportError: when the file is damaged.
    """
    file = folder / NAME
    if not file_exists(file):
        return {}
    entries = read_json_object(file).children("images")
    pictures = (_from_json(entry, folder, number, classes) for number, entry in enumerate(entries))
    return {one.image_id: one for one in pictures}


def _to_json(picture: StoredPicture) -> dict[str, Any]:
    runs = [
        {
            "variant": variant,
            "seed": seed,
            "boxes": [
                number
                for box in found.boxes
                for number in (*box.box_xywh, box.label, round(box.score, 4), int(box.true))
            ],
            "missed": list(found.missed),
            **({} if found.label is None else {"label": found.label}),
        }
        for (variant, seed), found in picture.found.items()
    ]
    truths = [number for one in picture.truths for number in (*one.box_xywh, one.label, int(one.crowd))]
    size = list(picture.size)
    return {"id": picture.image_id, "name": picture.name, "size": size, "truths": truths, "runs": runs}


def _from_json(entry: JsonObject, folder: Path, number: int, classes: int) -> StoredPicture:
    width, height = entry.pair("size")
    if not (0 < width <= LARGEST_SIDE and 0 < height <= LARGEST_SIDE):
        message = f"{entry.prefix}.size is {width} x {height}; it should be the size of an image"
        raise ReportError(message, where=entry.where)
    truths = tuple(
        TruthBox(tuple(box), _class(label, classes, entry), bool(crowd))
        for *box, label, crowd in entry.numbers("truths", width=6)
    )
    found = {
        (run.text("variant"), run.count("seed")): FoundInImage(
            tuple(
                FoundBox(tuple(box), _class(label, classes, entry), score, bool(true))
                for *box, label, score, true in run.numbers("boxes", width=7)
            ),
            tuple(at for at in run.counts("missed") if at < len(truths)),
            _class(run.count("label"), classes, entry) if "label" in run.values else None,
        )
        for run in entry.children("runs")
    }
    size = width, height
    return StoredPicture(entry.count("id"), entry.text("name"), size, folder / f"{number}.jpg", truths, found)


def _class(label: float, classes: int, entry: JsonObject) -> int:
    if not 0 <= label < classes:
        message = f"{entry.prefix} has an object of class {label:g}, and there are {classes} classes"
        raise ReportError(message, where=entry.where)
    return int(label)
