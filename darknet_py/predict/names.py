"""Where class names come from: a file, a neighbour of the weights or the cfg, or COCO for 80 classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from darknet_py.data.formats.coco.names import COCO_NAMES
from darknet_py.errors import quoted
from darknet_py.predict.network_classes import names_file, read_network_names


def class_names(
    classes: int, *, file: Path | None = None, neighbours: Sequence[Path] = ()
) -> tuple[str, ...]:
    """The names of the classes, one a line in their file.

    Args:
        classes: how many the network has.
        file: the file of names, where one is given.
        neighbours: the weights and the cfg; `yolov3-tiny.names` next to `yolov3-tiny.weights` is found, and
            `net.names` next to the weights of a run.

    Returns:
        The names of the file, or of the first neighbour that has one, as a training reads them; else COCO's
        for 80 classes, and `class 0`, `class 1`, ... for any other number.

    Raises:
        DataError: when the file cannot be read or has another number of names.
    """
    file = file or names_file(neighbours)
    if file is None:
        return COCO_NAMES if classes == len(COCO_NAMES) else numbered(classes)
    return tuple(quoted(name, limit=1000) for name in read_network_names(file, classes))


def numbered(classes: int) -> tuple[str, ...]:
    """What classes without names are called.

    >>> numbered(2)
    ('class 0', 'class 1')
    """
    return tuple(f"class {i}" for i in range(classes))
