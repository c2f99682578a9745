"""A data set in another layout: COCO's, or Darknet's lists and label files.

The new folder appears when it is complete, or not at all. Images are linked, or copied on request. For
Darknet, each image is a link next to its label file, where Darknet looks for it; for COCO, the folder of a
split is one link to the folder that holds all its images, and file names are the rest of their paths.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from darknet_py.data.class_matching import ClassList
from darknet_py.data.class_order import in_order
from darknet_py.data.dataset import Dataset, Record
from darknet_py.data.formats.coco.folder import CocoFolder
from darknet_py.data.formats.darknet.image_lists import LabelFileDataset
from darknet_py.data.formats.registry import open_data, splits_of
from darknet_py.data.formats.splits import ALL
from darknet_py.data.formats.voc.folder import VocFolder
from darknet_py.data.tools.part import ImageFiles, Part
from darknet_py.errors import DataError, UsageError, quoted
from darknet_py.files.atomic import publish_bytes
from darknet_py.files.atomic_dir import atomic_dir

Source = ImageFiles | Part
LIST_KEYS = {"train": "train", "val": "valid", "test": "test"}


@dataclass
class Converted:
    """What was written: images and boxes of each split, and what was left out or changes, with its number.

    Args:
        notes: how the source was read, and how the classes of val were matched with those of train.
    """

    out: Path
    images: dict[str, int] = field(default_factory=dict)
    boxes: dict[str, int] = field(default_factory=dict)
    changes: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)


def convert(spec: str, *, to: str, out: Path, copy: bool = False, boxes: str = "") -> Converted:
    """Write all splits of a data set in another layout.

    Args:
        spec: what `--data` takes, with boxes.
        to: "darknet" or "coco".
        out: a folder that is not there, or is empty.
        boxes: the units of the boxes where they are not the format's, as `open_data` takes them.

    Raises: DataError, UsageError: when the source or `out` cannot be used; nothing is written then.
    """
    return write_layout(open_sources(spec, boxes=boxes), to=to, out=out, copy=copy)


def write_layout(data_sets: Mapping[str, Source], *, to: str, out: Path, copy: bool = False) -> Converted:
    """Write splits in a layout.

    Args:
        data_sets: by split.

    Raises: DataError, UsageError: as `convert`.
    """
    sources, done = dict(data_sets), Converted(out)
    if to == "darknet" and "train" in sources:  # one list of names for all
        train = ClassList(sources["train"].names, "train")
        for split in [split for split in sources if split != "train"]:
            hint = "both need the same classes"
            sources[split] = in_order(sources[split], train, source=split, hint=hint)
    done.notes += dict.fromkeys(note for data in sources.values() for note in data.notes)
    with atomic_dir(out) as folder:
        for split, data in sources.items():
            done.changes.update(data.dropped)
            done.changes.update(data.adjusted)
            done.images[split] = len(data)
            write = _darknet_split if to == "darknet" else _coco_split
            done.boxes[split] = write(data, split, folder, done, copy)
        if to == "darknet":
            _data_file(sources, folder, out)
    return done


def open_sources(spec: str, *, boxes: str = "") -> dict[str, ImageFiles]:
    """Open every split that a source has; one that is not divided is all train.

    Raises: DataError, UsageError: when it has none, or no boxes.
    """
    sources: dict[str, ImageFiles] = {}
    for split in splits_of(spec):
        data: Dataset = open_data(spec, split=split, boxes=boxes)
        if not isinstance(data, (CocoFolder, LabelFileDataset, VocFolder)):
            raise UsageError(f"`{quoted(spec)}` has no boxes in files that could be converted")
        sources["train" if split == ALL else split] = data
    return sources


def _darknet_split(data: Source, split: str, folder: Path, done: Converted, copy: bool) -> int:
    """Write images and labels into a folder, and the list next to it; return the number of boxes."""
    (folder / split).mkdir()
    boxes, written = 0, []
    names = _free_names(data, done.changes)
    for index in range(len(data)):
        lines = _label_lines(data.record(index), done.changes)
        place = folder / split / names[index]
        _put_image(data.path(index), place, copy=copy)
        place.with_suffix(".txt").write_text("".join(lines), encoding="ascii")
        boxes += len(lines)
        written.append(f"{_absolute(done.out) / split / names[index]}\n")
    publish_bytes(folder / f"{split}.txt", "".join(written).encode("utf-8", "surrogateescape"))
    return boxes


def _label_lines(record: Record, changes: Counter[str]) -> list[str]:
    """The lines of a label file; ten digits keep a box to 1e-9 of the image."""
    changes["crowd, which Darknet does not have, left out"] += int(record.crowd.sum())
    lines = []
    for (x, y, w, h), label in zip(
        record.boxes_xywh[~record.crowd].tolist(), record.labels[~record.crowd].tolist(), strict=True
    ):
        box = _fractions(x, y, w, h, record)
        if not all(0 <= value <= 1 for value in box):
            changes["box cut to the image, for its fractions were not 0 to 1"] += 1
            left, top = max(x, 0.0), max(y, 0.0)
            right, bottom = min(x + w, record.width), min(y + h, record.height)
            box = _fractions(left, top, right - left, bottom - top, record)
        lines.append(f"{label} {' '.join(f'{value:.10f}' for value in box)}\n")
    return lines


def _fractions(x: float, y: float, w: float, h: float, record: Record) -> tuple[float, ...]:
    width, height = record.width, record.height
    return (x + w / 2) / width, (y + h / 2) / height, w / width, h / height


def _data_file(sources: dict[str, Source], folder: Path, out: Path) -> None:
    names = next(iter(sources.values())).names
    home = _absolute(out)
    lines = [f"classes = {len(names)}", *(f"{LIST_KEYS[split]} = {home / split}.txt" for split in sources)]
    text = "\n".join((*lines, f"names = {home / 'obj.names'}", ""))
    publish_bytes(folder / "obj.names", "".join(f"{name}\n" for name in names).encode())
    publish_bytes(folder / "obj.data", text.encode("utf-8", "surrogateescape"))


def _coco_split(data: Source, split: str, folder: Path, done: Converted, copy: bool) -> int:
    """The annotation file, and the images in a folder or behind a link; returns the number of boxes."""
    (folder / "annotations").mkdir(exist_ok=True)
    paths = [data.path(index).resolve() for index in range(len(data))]  # the reader lets no link out
    if copy:
        (folder / split).mkdir()
        names = _free_names(data, done.changes)
        for path, name in zip(paths, names, strict=True):
            _put_image(path, folder / split / name, copy=True)
    else:
        home = Path(os.path.commonpath([path.parent for path in paths]))
        (folder / split).symlink_to(home, target_is_directory=True)
        names = [path.relative_to(home).as_posix() for path in paths]
        for path, name in zip(paths, names, strict=True):
            if not name.isascii() and name.encode("utf-8", "replace").decode() != name:
                message = f"`{quoted(name)}` is not UTF-8, and an annotation file holds nothing else"
                raise DataError(message, where=path, hint="--copy writes copies under names in UTF-8")
    truth: dict[str, Any] = data.ground_truth()
    for image, name in zip(truth["images"], names, strict=True):
        image["file_name"] = name
    text = json.dumps(truth, ensure_ascii=False, allow_nan=False)
    publish_bytes(folder / "annotations" / f"instances_{split}.json", text.encode())
    return len(truth["annotations"])


def _free_names(data: Source, changes: Counter[str]) -> list[str]:
    """A file name for each image; two of one stem would share a label file, so that the later is numbered."""
    taken: set[str] = set()
    names = []
    for index in range(len(data)):
        name = data.path(index).name
        path = Path(_line_name(name))
        changes["file name that a list cannot hold, written with %"] += path.name != name
        stem, number = path.stem, 1
        while stem.casefold() in taken:
            number += 1
            stem = f"{path.stem}-{number}"
        taken.add(stem.casefold())
        names.append(f"{stem}{path.suffix}")
    return names


def _line_name(name: str) -> str:
    """A file name as a line of a UTF-8 list can hold it: all other characters as the bytes `%XX`."""
    kept = name.strip()
    start = name.find(kept)
    return "".join(
        c
        if c.isprintable() and start <= at < start + len(kept)
        else "".join(f"%{byte:02X}" for byte in os.fsencode(c))
        for at, c in enumerate(name)
    )


def _put_image(path: Path, place: Path, *, copy: bool) -> None:
    try:
        if copy:
            shutil.copyfile(path, place)
        else:
            place.symlink_to(_absolute(path))
    except OSError as error:
        raise DataError(
            f"cannot be put at `{quoted(place.name)}`: {error.strerror}",
            where=path,
            hint="" if copy else "--copy does without links",
        ) from None


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # without following links
