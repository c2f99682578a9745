"""Where class names come from: a file, a neighbour of the weights or the cfg, or COCO when there are 80."""

from __future__ import annotations

from pathlib import Path

from darknet_py.data.formats.coco_names import COCO_NAMES
from darknet_py.errors import DataError, quoted

MOST_BYTES = 1 << 20


def class_names(classes: int, *, given: Path | None = None, beside: tuple[Path, ...] = ()) -> tuple[str, ...]:
    """The names of the classes, one a line in their file.

    Args:
        classes: how many the network has.
        given: the file the person named.
        beside: the weights and the cfg; `yolov3-tiny.names` beside `yolov3-tiny.weights` is found, and so is
            `final.names`.

    Raises:
        DataError: when the file cannot be read or has another number of names.
    """
    neighbours = [path.with_suffix(".names") for path in beside]
    file = given or next((path for path in neighbours if path.is_file()), None)
    if file:
        return _read(file, classes)
    return COCO_NAMES if classes == len(COCO_NAMES) else tuple(f"class {i}" for i in range(classes))


def _read(file: Path, classes: int) -> tuple[str, ...]:
    try:
        text = file.read_bytes()[:MOST_BYTES].decode("utf-8", errors="replace")
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=file) from None
    names = tuple(quoted(line.strip()) for line in text.rstrip("\n").split("\n"))
    if len(names) != classes:
        hint = "one name a line, in the order of the classes"
        raise DataError(f"has {len(names)} names; the network has {classes} classes", where=file, hint=hint)
    return names
