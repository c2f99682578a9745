"""What a folder that is no data set looks like: the closest layout, what is here, and what is missing."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from darknet_py.data.formats.splits import split_of
from darknet_py.data.images.kinds import SUFFIXES
from darknet_py.errors import quoted

MOST_ENTRIES = 5000  # looked at, over all folders
MOST_DEPTH = 3
MOST_INSIDE = 3  # data sets inside that are named
NAMES = ("classes.txt", "names.txt", "obj.names", "data.yaml", "_darknet.labels", "notes.json")
FOREIGN = {  # files of formats that are not read, and what to export instead
    "_annotations.txt": "Roboflow's Keras text format",
    "_annotations.csv": "a table of boxes (TensorFlow object detection)",
    "_annotations.createml.json": "CreateML's format",
    "_classes.csv": "Roboflow's table of classes of images",
    "annotations.xml": "CVAT's own format",
}
FOREIGN_SUFFIXES = {
    ".tfrecord": "TFRecords",
    ".record": "TFRecords",
    ".parquet": "Parquet",
    ".csv": "a table",
}
EXPORT = "export it as COCO, YOLO, Darknet or Pascal VOC"


class LayoutEntry(NamedTuple):
    """Something that a layout has: what it is called, and where it is here, or ""."""

    what: str
    here: str


class Found(NamedTuple):
    """What is in a folder: files by folder and kind, as far as they were looked at."""

    folders: tuple[str, ...]
    files: dict[str, str]  # the first of each name, and where it is
    suffixes: dict[str, Counter[str]]  # by folder

    def folder(self, *names: str) -> str:
        """The first folder that is called so, whatever the case."""
        return next((path for path in self.folders if path.casefold() in names), "")

    def file(self, *names: str) -> str:
        """Where the first file that is called so is."""
        return next((self.files[name] for name in names if name in self.files), "")

    def with_suffix(self, *suffixes: str) -> str:
        """The first folder that has a file of one of these kinds."""
        holding = (home for home, kinds in self.suffixes.items() if any(kinds[suffix] for suffix in suffixes))
        return next(holding, "")


def describe_folder(folder: Path, is_data_set: Callable[[Path], bool]) -> tuple[str, str]:
    """Say what a folder looks like that no reader recognises.

    Returns: a message and a hint.
    """
    found = look_at(folder)
    foreign = [(found.files[name], what) for name, what in FOREIGN.items() if name in found.files]
    own = [(place, what) for place, what in foreign if "/" not in place or split_of(place.split("/")[0])]
    if own:
        return _foreign(*own[0])
    inside: list[str] = []
    for home in found.folders:
        known = any(home.startswith(f"{other}/") for other in inside)
        if home.count("/") < 2 and len(inside) < MOST_INSIDE and not known and is_data_set(folder / home):
            inside.append(home)
    if inside:
        names = " or ".join(f"--data {quoted(folder / home)}" for home in inside)
        which = "one is" if len(inside) == 1 else "some are"
        return f"is not a data set, but {which} inside", f"give {names}"
    if foreign:
        return _foreign(*foreign[0])
    kinds = ((found.with_suffix(suffix), f"{suffix}: {what}") for suffix, what in FOREIGN_SUFFIXES.items())
    name, parts = max(layouts(found), key=lambda each: sum(bool(part.here) for part in each[1]))
    here = [f"{part.what} ({quoted(part.here)})" for part in parts if part.here]
    missing = ", ".join(part.what for part in parts if not part.here)
    foreign_kind = next((f"{quoted(home)} has {what}" for home, what in kinds if home), "")
    if foreign_kind and len(here) < 2:
        return f"is in a format that is not read: {foreign_kind}", EXPORT
    if not here:
        holds = ", ".join(quoted(home) for home in found.folders[:5]) or "no folder"
        return f"is not a data set: found {holds}, and no image or annotation file", ""
    return f"looks like {name}: here is {', '.join(here)}; missing is {missing}", ""


def _foreign(place: str, what: str) -> tuple[str, str]:
    return f"is in a format that is not read: {quoted(place)} is {what}", EXPORT


def layouts(found: Found) -> Iterator[tuple[str, tuple[LayoutEntry, ...]]]:
    """Each layout with its parts, the simplest first."""
    images = next((home for home, kinds in found.suffixes.items() if _holds_images(kinds)), "")
    train = found.folder("images/train", "train/images")
    labels = train.replace("images", "labels") or "labels/train"
    where = found.folder(labels, "labels", "train/labels", "labels/train")
    yield (
        "a YOLO folder",
        (
            LayoutEntry(train or "images/train", train or found.folder("images")),
            LayoutEntry(labels, where),
            LayoutEntry("a file of class names (classes.txt, *.names, data.yaml)", found.file(*NAMES)),
        ),
    )
    given = LayoutEntry("images", images)
    yield "images without annotations", (given, LayoutEntry("annotations of any format", ""))
    xml = LayoutEntry("XML files", found.with_suffix(".xml"))
    yield "a Pascal VOC folder", (xml, LayoutEntry("their images", images))
    notes = LayoutEntry("annotations/", found.folder("annotations"))
    yield (
        "a COCO folder",
        (notes, given, LayoutEntry("an annotation file of COCO", "")),
    )
    lists = LayoutEntry("train.txt", found.file("train.txt"))
    yield "a folder of Darknet's lists", (lists, LayoutEntry("a .data file or class names", ""))


def _holds_images(kinds: Counter[str]) -> bool:
    return any(kinds[suffix] for suffix in SUFFIXES)


def look_at(folder: Path) -> Found:
    """List a folder and those inside, at most `MOST_ENTRIES` entries and `MOST_DEPTH` folders deep."""
    folders, files, suffixes = list[str](), dict[str, str](), dict[str, Counter[str]]()
    waiting, left = [(folder, "")], MOST_ENTRIES
    while waiting and left > 0:
        home, name = waiting.pop(0)
        kinds = suffixes.setdefault(name or ".", Counter())
        for entry in _entries(home, min(left, MOST_ENTRIES // 5)):
            left -= 1
            inside = f"{name}/{entry.name}".lstrip("/")
            if entry.is_dir():
                folders.append(inside)
                if inside.count("/") < MOST_DEPTH - 1:
                    waiting.append((Path(entry.path), inside))
            else:
                files.setdefault(entry.name, inside)
                kinds[os.path.splitext(entry.name)[1].lower()] += 1
    folders.sort(key=lambda path: (path.count("/"), split_of(path) is None, path))
    return Found(tuple(folders), files, suffixes)


def _entries(folder: Path, most: int) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            first = [entry for entry, _ in zip(entries, range(most), strict=False)]
    except OSError:
        return []
    return sorted((entry for entry in first if entry.name[0] != "."), key=lambda entry: entry.name)
