"""A COCO results list: `[{"image_id", "category_id", "bbox", "score"}, ...]`, boxes in pixels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from darknet_py.errors import DataError, quoted
from darknet_py.scoring.results.places import Key, Places, Rows, Unknown, is_number
from darknet_py.scoring.tables import DetectionTable

KEYS = ("image_id", "category_id", "bbox", "score")


def read_coco(entries: Sequence[Any], places: Places, path: Path) -> DetectionTable:
    """The detections of a results list.

    An image may be given by its file's name instead of its id.

    Raises: DataError: when an entry is none, or is of other images or categories.
    """
    rows = Rows()
    known_images: dict[Key, int] = dict(places.files.items())
    known_images |= places.images
    images, categories = Unknown("image"), Unknown("category_id")
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict) or not entry.keys() >= {*KEYS}:
            _refuse(path, number, _missing(entry))
        image, category, box, score = (entry[key] for key in KEYS)
        if not is_number(score):
            _refuse(path, number, f"its score is {quoted(score)}, not a finite number")
        if not (isinstance(box, list) and len(box) == 4 and all(map(is_number, box))):
            _refuse(path, number, f"its bbox is {quoted(box)}, not four finite numbers below 1e15")
        if box[2] < 0 or box[3] < 0:
            _refuse(path, number, f"its bbox {quoted(box)} has a negative width or height")
        for value, unknown, known in (
            (image, images, known_images),
            (category, categories, places.categories),
        ):
            if not isinstance(value, int | float | str) or isinstance(value, bool):
                _refuse(path, number, f"its {unknown.what} is {quoted(value)}, not an id")
            if value not in known:
                unknown.add(value, f"entry {number}")
        if not images.entries and not categories.entries:
            rows.add(known_images[image], places.categories[category], box, score)
    hint = "results are scored on the images they were computed from: another --data or --split?"
    images.check(path, places.source, len(entries), hint=hint)
    categories.check(path, places.source, len(entries), hint=_category_hint(categories, places))
    return rows.table()


def _missing(entry: Any) -> str:
    if not isinstance(entry, dict):
        return f"it is {quoted(entry)}, not an object with {', '.join(KEYS)}"
    return f"it has no {next(key for key in KEYS if key not in entry)}"


def _refuse(path: Path, number: int, message: str) -> NoReturn:
    hint = "expected a COCO results list, entries of image_id, category_id, bbox [x, y, width, height], score"
    raise DataError(f"entry {number}: {message}", where=path, hint=hint)


def _category_hint(unknown: Unknown, places: Places) -> str:
    ids = sorted(places.categories)
    found = [value for value in unknown.values if isinstance(value, int)]
    hint = f"the {len(ids)} ids are {ids[0]} to {ids[-1]}"
    if found and min(found) >= 0 and max(found) < len(ids):
        return f"{hint}; the results may have numbers of classes from 0, as networks do"
    return hint
