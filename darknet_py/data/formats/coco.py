"""A folder in COCO's layout: `annotations/instances_X.json`, and the images of X in the folder X beside it.

What the file means is checked once, when it is opened: an error of structure is refused with its JSON path, a
box that cannot be a truth is dropped and counted (COCO's own train2017 has two boxes of zero height). Boxes
that cross the edge of the image stay as they are. Segmentations are not read, so a damaged RLE does no harm.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from darknet_py.data.dataset import Dataset, Record
from darknet_py.data.images.read import read_image, require_files
from darknet_py.errors import DataError, quoted
from darknet_py.files.json_table import NUMBER, Table, as_float, found, read_object


class CocoFolder(Dataset):
    """One split of a COCO folder; classes stand in the order of their category ids.

    Args:
        folder: holds `annotations/`, and the images in `X/` or `images/X/`.
        split: "train", "val", or the exact X of `annotations/instances_X.json`.

    Raises: DataError: when anything but a box cannot be used.
    """

    def __init__(self, folder: Path, *, split: str) -> None:
        """Read and check the annotation file, and see that every image is there."""
        self.file = annotation_file(folder, split)
        self.images = image_folder(folder, self.file.stem.removeprefix("instances_"))
        self._root = os.path.join(os.path.realpath(self.images), "")
        top = read_object(self.file)
        categories, images, annotations = (
            Table.of(self.file, top, name) for name in ("categories", "images", "annotations")
        )
        self.category_ids, self.names = _classes(categories)
        self.dropped = {}
        self._records = _records(images, annotations, category_ids=self.category_ids, dropped=self.dropped)
        require_files([self.images / record.name for record in self._records], where=self.file)

    @classmethod
    def recognises(cls, spec: str) -> bool:
        """Whether it is a folder, of any content: an error then names what COCO's layout needs."""
        return os.path.isdir(spec)

    @classmethod
    def from_spec(cls, spec: str, *, split: str, seed: int = 0) -> CocoFolder:
        """Open a folder."""
        return cls(Path(spec), split=split)

    def __len__(self) -> int:
        """Return the number of images, those without boxes included."""
        return len(self._records)

    def record(self, index: int) -> Record:
        """Return what the annotation file says of one image."""
        return self._records[index]

    def path(self, index: int) -> Path:
        """Return where an image is."""
        return self.images / self._records[index].name

    def pixels(self, index: int) -> np.ndarray:
        """Decode one image, and refuse it when its size is not the one the boxes were drawn for."""
        record, path = self._records[index], self.path(index)
        if not os.path.realpath(path).startswith(self._root):
            raise DataError(f"is a link that leaves the image folder `{quoted(self.images)}`", where=path)
        pixels = self.cache(path, read_image)
        if pixels.shape[:2] != (record.height, record.width):
            raise DataError(
                f"is {pixels.shape[1]} x {pixels.shape[0]} pixels upright, "
                f"but {self.file.name} says {record.width} x {record.height}",
                where=path,
                hint="the boxes belong to another size or another EXIF orientation of this image",
            )
        return pixels


def annotation_file(folder: Path, split: str) -> Path:
    """Find instances_SPLIT.json, or the one file that goes on after SPLIT, as in instances_val2017.json.

    Raises: DataError: when there is none, or several.
    """
    notes = folder / "annotations"
    names = sorted(os.listdir(notes)) if notes.is_dir() else []
    files = [name for name in names if name.startswith("instances_") and name.endswith(".json")]
    exact = f"instances_{split}.json"
    fitting = [exact] if exact in files else [f for f in files if f.startswith(f"instances_{split}")]
    if len(fitting) == 1:
        return notes / fitting[0]
    present = ", ".join(quoted(name) for name in fitting or files) or "no instances_*.json"
    raise DataError(
        f"one annotations/instances_{quoted(split)}*.json was expected, found {present}",
        where=folder,
        hint="name one of them exactly: its part between `instances_` and `.json`" if fitting else "",
    )


def image_folder(folder: Path, name: str) -> Path:
    """Find the images of instances_NAME.json.

    Raises: DataError: when there is no such folder.
    """
    for images in (folder / name, folder / "images" / name):
        if images.is_dir():
            return images
    raise DataError(
        f"has no folder `{quoted(name)}` for the images of instances_{quoted(name)}.json", where=folder
    )


def _classes(categories: Table) -> tuple[tuple[int, ...], tuple[str, ...]]:
    positions = categories.ids()
    if not positions:
        raise DataError("`categories` is empty: there is nothing to learn", where=categories.file)
    first: dict[str, int] = {}
    for at in range(len(categories.rows)):
        name = categories.value(at, "name", "text")
        if not name.strip() or not name.isprintable():
            raise categories.error(at, "name", f"is `{quoted(name)}`: blank, or not to be printed")
        if first.setdefault(name, at) != at:
            raise categories.error(at, "name", f"is `{quoted(name)}`, as categories[{first[name]}] is named")
    ordered = sorted(positions)
    return tuple(ordered), tuple(categories.rows[positions[identity]]["name"] for identity in ordered)


def _records(
    images: Table, annotations: Table, *, category_ids: tuple[int, ...], dropped: dict[str, int]
) -> list[Record]:
    places = images.ids()
    annotations.ids()
    if not places:
        raise DataError("`images` is empty", where=images.file)
    sizes = [_size(images, at) for at in range(len(images.rows))]
    label_of = {identity: label for label, identity in enumerate(category_ids)}
    truths: list[list[tuple[Any, ...]]] = [[] for _ in sizes]
    for at in range(len(annotations.rows)):
        place = _known(annotations, at, "image_id", places, "image")
        label = _known(annotations, at, "category_id", label_of, "category")
        box = _box(annotations, at)
        reason = _unusable(box, *sizes[place])
        if reason:
            dropped[reason] = dropped.get(reason, 0) + 1
        else:
            truths[place].append((box, label, _crowd(annotations, at), _area(annotations, at, box)))
    identities = [row["id"] for row in images.rows]
    names = [_file_name(images, at) for at in range(len(sizes))]
    return [_record(*image) for image in zip(identities, names, sizes, truths, strict=True)]


def _record(identity: int, name: str, size: tuple[int, int], truths: list[tuple[Any, ...]]) -> Record:
    boxes, labels, crowd, areas = zip(*truths, strict=True) if truths else ((), (), (), ())
    return Record(
        image_id=identity,
        width=size[0],
        height=size[1],
        boxes_xywh=np.array(boxes, dtype=np.float64).reshape(-1, 4),
        labels=np.array(labels, dtype=np.int64),
        crowd=np.array(crowd, dtype=bool),
        name=name,
        areas=np.array(areas, dtype=np.float64),
    )


def _size(images: Table, at: int) -> tuple[int, int]:
    size = []
    for key in ("width", "height"):
        size.append(images.value(at, key, "a whole number"))
        if not 1 <= size[-1] <= 1_000_000:
            raise images.error(at, key, f"is {quoted(size[-1])}, not 1 to 1000000 pixels")
    return size[0], size[1]


def _file_name(images: Table, at: int) -> str:
    """Return a file name that stays in the image folder; folders below it are allowed."""
    name: str = images.value(at, "file_name", "text")
    if not is_inside(name):
        raise images.error(at, "file_name", f"is `{quoted(name)}`, not a name inside the image folder")
    return name


def is_inside(name: str) -> bool:
    """Whether a file name stays in its folder, and can be printed."""
    steps = not {"", ".", ".."}.isdisjoint(name.split("/"))  # "" also stands before an absolute path
    return not steps and name.isprintable() and "\\" not in name and not os.path.isabs(name)


def _known(table: Table, at: int, key: str, known: dict[int, int], noun: str) -> int:
    identity = table.value(at, key, "a whole number")
    if identity not in known:
        raise table.error(at, key, f"is {quoted(identity)}, and no {noun} has that id")
    return known[identity]


def _box(annotations: Table, at: int) -> list[float]:
    box = annotations.value(at, "bbox", "a list")
    for place, value in enumerate(box):
        if type(value) not in NUMBER:
            raise annotations.error(at, f"bbox[{place}]", f"is {found(value)}, not a number")
    return [as_float(value) for value in box]


def _unusable(box: list[float], width: int, height: int) -> str:
    """Say why a box cannot be a truth, or ""."""
    if len(box) != 4:
        return "not four numbers"
    if not all(map(math.isfinite, box)):
        return "not finite"
    x, y, w, h = box
    if w <= 0 or h <= 0:
        return "no width or no height"
    if x >= width or y >= height or x + w <= 0 or y + h <= 0:
        return "outside the image"
    return ""


def _crowd(annotations: Table, at: int) -> bool:
    if "iscrowd" not in annotations.rows[at]:
        return False
    crowd = annotations.value(at, "iscrowd", "a whole number")
    if crowd not in (0, 1):
        raise annotations.error(at, "iscrowd", f"is {quoted(crowd)}, not 0 or 1")
    return bool(crowd)


def _area(annotations: Table, at: int, box: list[float]) -> float:
    """Return the source's area (COCO's is that of the segmentation), or the area of the box."""
    if "area" not in annotations.rows[at]:
        return box[2] * box[3]
    area = as_float(annotations.value(at, "area", "a number"))
    if not 0 <= area < math.inf:
        raise annotations.error(at, "area", f"is {quoted(area)}, not 0 or more square pixels")
    return area
