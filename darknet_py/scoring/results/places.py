"""Where results belong: the images and classes of the data that they are scored on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, TypeGuard

import numpy as np

from darknet_py.errors import DataError, quoted
from darknet_py.scoring.tables import DetectionTable, Doubles

Key = int | float | str
TOO_LARGE = 1e15


@dataclass(frozen=True)
class Places:
    """The images and classes of a data set, by what results call them.

    Args:
        source: the data set, in the words of a message.
        images: index of each image by its id, and by the id as text.
        files: index of each image by its path, its file's name and the stem of it, unless several have it.
        sizes: width and height of each image in pixels, (N, 2).
        categories: label by category id.
        names: of the classes, by label.
    """

    source: str
    images: dict[Key, int]
    files: dict[str, int]
    sizes: Doubles
    categories: dict[Key, int]
    names: tuple[str, ...]


def places_of(truth: Mapping[str, Any], *, source: str) -> Places:
    """The places of COCO annotations; images by ascending id, as in a `TruthTable`."""
    images = sorted(truth["images"], key=lambda one: int(one["id"]))
    paths = [PurePosixPath(str(one.get("file_name", ""))) for one in images]
    files: dict[str, int] = {}
    for texts in ([path.stem for path in paths], [path.name for path in paths], [str(p) for p in paths]):
        counts = Counter(texts)
        files.update({text: at for at, text in enumerate(texts) if text and counts[text] == 1})
    ids: dict[Key, int] = {key: at for at, one in enumerate(images) for key in (one["id"], str(one["id"]))}
    categories: dict[Key, int] = {one["id"]: label for label, one in enumerate(truth["categories"])}
    return Places(
        source,
        ids,
        files,
        np.array([[one.get("width", 0), one.get("height", 0)] for one in images], np.float64).reshape(-1, 2),
        categories,
        tuple(str(one["name"]) for one in truth["categories"]),
    )


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value of a file is a number that can be squared; an integer may fit into no float."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -TOO_LARGE < value < TOO_LARGE


@dataclass
class Rows:
    """Detections as they are read.

    Args:
        images, labels: indices of `Places`.
        boxes: four numbers each, in the format's units.
    """

    images: list[int] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    boxes: list[list[float]] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)

    def add(self, image: int, label: int, box: list[float], score: float) -> None:
        """Add one."""
        self.images.append(image)
        self.labels.append(label)
        self.boxes.append(box)
        self.scores.append(score)

    def table(self) -> DetectionTable:
        """The detections, their boxes being x, y, width, height from the corner, in pixels."""
        return DetectionTable(
            np.array(self.images, np.int64),
            np.array(self.labels, np.int64),
            np.array(self.boxes, np.float64).reshape(-1, 4),
            np.array(self.scores, np.float64),
        )

    def centred_table(self, places: Places) -> DetectionTable:
        """The detections, their boxes being centre, width, height, in fractions of the image."""
        table = self.table()
        sizes = places.sizes[table.images]
        scaled = table.boxes_xywh * np.concatenate([sizes, sizes], axis=1)
        scaled[:, :2] -= scaled[:, 2:] / 2
        return DetectionTable(table.images, table.labels, scaled, table.scores)


@dataclass
class Unknown:
    """Images or categories of results that the data does not have; one message for all.

    Args:
        what: `image` or `category_id`, in the words of a message.
    """

    what: str
    entries: int = 0
    values: dict[Key, str] = field(default_factory=dict)  # where each was first seen

    def add(self, value: Key, where: str) -> None:
        """Note an entry that does not belong."""
        self.entries += 1
        self.values.setdefault(value, where)

    def check(self, path: Path, source: str, total: int, *, hint: str) -> None:
        """Raise when there was one.

        Raises: DataError: with the first of them, and how many there are.
        """
        if not self.values:
            return
        value, where = next(iter(self.values.items()))
        share = "all" if self.entries == total else f"{self.entries:,} of {total:,}"
        raise DataError(
            f"{where}: {self.what} {quoted(repr(value))} is none of {source}; so are {share} entries "
            f"({len(self.values):,} different ones)",
            where=path,
            hint=hint,
        )
