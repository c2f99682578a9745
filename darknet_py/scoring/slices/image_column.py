"""A column of a CSV file as a property of images: `image,weather` and a row for each image."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from darknet_py.errors import DataError, quoted
from darknet_py.files.json_fields import read_text

LARGEST = 1 << 28  # bytes
MOST_VALUES = 50  # groups


def read_image_column(
    path: Path, column: str, image_ids: Sequence[int], names: Sequence[str]
) -> list[str | None]:
    """Read the value of every image; None: the file has no row of it, or an empty cell.

    The first column names the image: its file, with or without folders, or its id.

    Args:
        names: the file of each image.

    Raises: DarknetPyError: where it cannot be read, has no such column, two rows of one image, or no image of
        the data set.
    """
    rows = list(csv.reader(io.StringIO(read_text(path, largest=LARGEST).removeprefix("\ufeff"))))
    head = [cell.strip() for cell in rows[0]] if rows else []
    if column not in head[1:]:
        columns = ", ".join(quoted(name) for name in head[1:]) or "none"
        hint = f"the first line has the names of the columns; after that of the image: {columns}"
        raise DataError(f"has no column {quoted(column)}", where=path, hint=hint)
    at, values = head.index(column, 1), dict[str, str]()
    for number, row in enumerate(rows[1:], start=2):
        if not row:
            continue
        if len(row) != len(head):
            raise DataError(f"{len(row)} cells, and {len(head)} in the first line", where=f"{path}:{number}")
        key = row[0].strip()
        if key in values:
            raise DataError(f"a second row of the image {quoted(key)}", where=f"{path}:{number}")
        values[key] = row[at].strip()
    found = [_value_of(values, str(image), name) for image, name in zip(image_ids, names, strict=True)]
    _check(found, values, path, column, names)
    return found


def _value_of(values: dict[str, str], image: str, name: str) -> str | None:
    keys = (name, PurePosixPath(name).name, PurePosixPath(name).stem, image)
    return next((values[key] for key in keys if key in values), None) or None


def _check(
    found: Sequence[str | None], values: dict[str, str], path: Path, column: str, names: Sequence[str]
) -> None:
    different = {value for value in found if value is not None}
    if not different:
        example = f"such as {quoted(next(iter(values)))}; " if values else ""
        wanted = f"expected {quoted(names[0])}" if names else "there is none"
        raise DataError("names no image of the data set", where=path, hint=f"{example}{wanted}")
    if len(different) > MOST_VALUES:
        message = f"the column {quoted(column)} has {len(different)} different values, at most {MOST_VALUES}"
        raise DataError(
            message, where=path, hint="groups are made of equal texts: write classes, not numbers"
        )
