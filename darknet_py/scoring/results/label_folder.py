"""A folder of label files, one for each image: lines of class, x, y, width, height, score.

The class is a number from 0 in the order of the data's classes; the box is given by its centre, in fractions
of the image. YOLO tools write such files, and Darknet's `-save_labels`, which leaves out the score.
"""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from darknet_py.errors import DataError, quoted
from darknet_py.scoring.results.places import Places, Rows, Unknown, is_number
from darknet_py.scoring.tables import DetectionTable

LARGEST = 1 << 24  # bytes of one file
OTHERS = {"classes.txt", "names.txt"}  # of class names, which tools write next to the labels


def label_files(folder: Path) -> list[Path]:
    """The label files of a folder, or of `labels` in it."""
    found = [path for path in sorted(folder.glob("*.txt")) if path.name not in OTHERS]
    return found or [path for path in sorted(folder.glob("labels/*.txt")) if path.name not in OTHERS]


def read_labels(folder: Path, places: Places) -> tuple[DetectionTable, list[str]]:
    """The detections of a folder, and what is to be said of them.

    Raises: DataError: when a line is none, or a file is of another image.
    """
    files, rows, images = label_files(folder), Rows(), Unknown("image")
    if not files:
        raise DataError(
            "has neither label files nor detections.json",
            where=folder,
            hint="expected IMAGE.txt for each image, with lines of class, x, y, width, height, score",
        )
    scored = unscored = 0
    for path in files:
        image = places.files.get(path.stem)
        if image is None:
            images.add(path.stem, path.name)
            continue
        if path.stat().st_size > LARGEST:
            raise DataError(f"has more than {LARGEST:,} bytes, which no label file has", where=path)
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), start=1):
            if words := line.split():
                label, box, score = _detection(words, places, path, number)
                scored, unscored = scored + (score is not None), unscored + (score is None)
                rows.add(image, label, box, 1.0 if score is None else score)
    images.check(
        folder,
        places.source,
        len(files),
        hint="a label file is called as its image: another --data or --split?",
    )
    notes = []
    if unscored:
        share = (
            "no line has a score"
            if not scored
            else f"{unscored:,} of {scored + unscored:,} lines have no score"
        )
        notes.append(f"{share}, and counts as 1: without an order of detections AP says little")
    return rows.centred_table(places), notes


def _detection(
    words: list[str], places: Places, path: Path, line: int
) -> tuple[int, list[float], float | None]:
    """Label, box and score of a line."""
    if len(words) not in (5, 6):
        _refuse(path, line, f"{len(words)} columns")
    try:
        numbers = [float(word) for word in words]
    except ValueError as error:
        _refuse(path, line, f"{quoted(error)}")
    if not all(map(is_number, numbers)):
        _refuse(path, line, f"`{quoted(' '.join(words))}` has a number that is not finite, or 1e15 and more")
    if not numbers[0].is_integer() or not 0 <= numbers[0] < len(places.names):
        _refuse(
            path, line, f"`{quoted(words[0])}` is no class; {places.source} has 0 to {len(places.names) - 1}"
        )
    if min(numbers[3:5]) < 0:
        _refuse(path, line, "a negative width or height")
    return int(numbers[0]), numbers[1:5], numbers[5] if len(numbers) == 6 else None


def _refuse(path: Path, line: int, message: str) -> NoReturn:
    hint = (
        "expected class, x, y, width, height and score, separated by spaces; boxes in fractions of the image"
    )
    raise DataError(message, where=f"{path}:{line}", hint=hint)
