"""Where class names come from: a file, a neighbour of the weights or the cfg, or COCO for 80 classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from darknet_py.data.findings import FirstError
from darknet_py.data.formats.class_names import read_names
from darknet_py.data.formats.coco.names import COCO_NAMES
from darknet_py.errors import DataError, quoted

ACCEPTED = ("unprintable-name", "blank-name", "duplicate-name")  # of a network that is trained already


def class_names(
    classes: int, *, file: Path | None = None, neighbours: Sequence[Path] = ()
) -> tuple[str, ...]:
    """The names of the classes, one a line in their file.

    Args:
        classes: how many the network has.
        file: the file of names, where one is given.
        neighbours: the weights and the cfg; `yolov3-tiny.names` next to `yolov3-tiny.weights` is found.

    Returns:
        The names of the file, or of the first neighbour that has one, as a training reads them; else COCO's
        for 80 classes, and `class 0`, `class 1`, ... for any other number.

    Raises:
        DataError: when the file cannot be read or has another number of names.
    """
    candidates = [path.with_suffix(".names") for path in neighbours]
    file = file or next((path for path in candidates if path.is_file()), None)
    if file is None:
        return COCO_NAMES if classes == len(COCO_NAMES) else tuple(f"class {i}" for i in range(classes))
    names = tuple(quoted(name, limit=1000) for name in read_names(file, FirstError(accepted=ACCEPTED)))
    if len(names) != classes:
        hint = "one name a line, in the order of the classes"
        raise DataError(f"has {len(names)} names; the network has {classes} classes", where=file, hint=hint)
    return names
