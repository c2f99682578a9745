"""Where a folder has COCO's annotation files, and the images of each.

| layout                                                          | written by                       |
|-----------------------------------------------------------------|----------------------------------|
| `annotations/instances_X.json`, images in `X/` or `images/X/`   | COCO, CVAT, Datumaro             |
| `train/_annotations.coco.json` next to its images, or any name  | Roboflow                         |
| `annotations/train.json`, or `train.json` next to `images/`     | labelme2coco, MMDetection        |
| one file, such as `result.json`, and its images next to it      | Label Studio, labelme, FiftyOne  |
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from darknet_py.data.formats.splits import ALL, WORDS, choose, ordered, split_of
from darknet_py.errors import DataError, MissingSplit, quoted

KNOWN = ("_annotations.coco.json", "annotations.json", "instances_default.json", "result.json", "labels.json")
HEAD_BYTES = 1 << 16  # of a file of an unknown name; one of COCO names its tables there
TABLE = re.compile(rb'"(images|annotations|categories)"\s*:\s*\[')


class CocoSource(NamedTuple):
    """An annotation file, and the folders where its images may be, the likeliest first."""

    file: Path
    folders: tuple[Path, ...]

    def likeliest(self) -> tuple[Path, ...]:
        """The first two of the folders, as far as they exist, else all others."""
        there = [folder for folder in self.folders if folder.is_dir()]
        return tuple(folder for folder in there if folder in self.folders[:2]) or tuple(there)

    def images(self, names: Sequence[str]) -> Path:
        """The first folder that has the first of these files; where none has, the first that exists.

        Raises: DataError: when none of the two likeliest exists, and no other has the file.
        """
        holding = (home for home in self.folders for name in names[:1] if os.path.exists(home / name))
        found = next(holding, None) or next(filter(Path.is_dir, self.folders[:2]), None)
        if found:
            return found
        name, file = quoted(self.folders[0].name), quoted(self.file.name)
        raise DataError(f"has no folder `{name}` for the images of {file}", where=self.folders[-1])


def find_coco(place: Path) -> dict[str, CocoSource]:
    """Find annotation files by the names of their splits; the split of a single file may be `all`.

    Args:
        place: a folder, or an annotation file.
    """
    if place.suffix.lower() == ".json":
        return {ALL: CocoSource(place, _homes(place.parent, ""))} if place.is_file() else {}
    return _instances(place) or _split_folders(place) or _named_files(place)


def coco_source(place: Path, split: str) -> CocoSource:
    """Find the annotation file of a split: of that name, or the one that begins with it (val2017).

    Raises: DataError: when there is none, or several.
    """
    found = find_coco(place)
    words = WORDS.get(split, (split,))
    fitting = [split] if split in found else [name for name in found if name.casefold().startswith(words)]
    if len(fitting) == 1:
        return found[fitting[0]]
    if found and (place / "annotations").is_dir() and ALL not in found:
        present = ", ".join(quoted(found[name].file.name) for name in fitting or found)
    elif found:
        return choose(found, split, where=place, expected=f"{split}/_annotations.coco.json")
    else:
        present = "no instances_*.json"
    error = DataError if fitting else MissingSplit
    raise error(
        f"one annotations/instances_{quoted(split)}*.json was expected, found {present}",
        where=place,
        hint="name one of them exactly: its part between `instances_` and `.json`" if fitting else "",
    )


def coco_splits(place: Path) -> tuple[str, ...]:
    """The splits that can be asked for: train, val and test where there are such, else the names of files."""
    found = find_coco(place)
    known = {split for split, words in WORDS.items() for name in found if name.casefold().startswith(words)}
    return ordered(known) or tuple(found)


def _instances(folder: Path) -> dict[str, CocoSource]:
    """COCO's own layout: X of each instances_X.json."""
    notes = folder / "annotations"
    files = _json_files(notes)
    found = {
        name[len("instances_") : -len(".json")]: notes / name
        for name in files
        if name.startswith("instances_")
    }
    if len(found) == 1 and not next(iter(found)).casefold().startswith(sum(WORDS.values(), ())):
        name, file = next(iter(found.items()))
        return {ALL: CocoSource(file, _homes(folder, name))}
    return {name: CocoSource(file, _homes(folder, name)) for name, file in found.items()}


def _split_folders(folder: Path) -> dict[str, CocoSource]:
    """A file in the folder of each split, where images are too."""
    found = {}
    for name in _names(folder):
        split = split_of(name)
        file = _only_file(folder / name) if split and (folder / name).is_dir() else None
        if split and file:
            found[split] = CocoSource(file, (folder / name, folder / name / "images"))
    return {split: found[split] for split in ordered(found)}


def _named_files(folder: Path) -> dict[str, CocoSource]:
    """Files in `annotations/` or in the folder itself: one a split, or one alone."""
    for home in (folder / "annotations", folder):
        files = dict[str, Path]()
        for name in _json_files(home):
            words = re.findall("[a-z]+", name[: -len(".json")].casefold())
            split = next(filter(None, map(split_of, words)), None)
            if split and _is_coco(home / name):
                files.setdefault(split, home / name)
        if files:
            return {split: CocoSource(files[split], _homes(folder, split)) for split in ordered(files)}
        file = _only_file(home)
        if file:
            return {ALL: CocoSource(file, _homes(folder, ""))}
    return {}


def _homes(folder: Path, name: str) -> tuple[Path, ...]:
    """Folders where images of a split may be."""
    if not name:
        return (folder, folder / "images", folder / "data", *_subfolders(folder / "images"))
    exact = (folder / name, folder / "images" / name)
    inside = [] if any(map(Path.is_dir, exact)) else _subfolders(folder / "images") + _subfolders(folder)
    years = (path for path in inside if split_of(path.name) == split_of(name))
    return (*exact, *years, folder / "images", folder)


def _subfolders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(entry.path) for entry in entries if entry.is_dir())
    except OSError:
        return []


def _only_file(folder: Path) -> Path | None:
    """The annotation file of a folder: of a known name, or the only one of COCO's content."""
    files = _json_files(folder)
    known = next((name for name in KNOWN if name in files and _is_coco(folder / name)), None)
    fitting = [known] if known else [name for name in files if _is_coco(folder / name)]
    return folder / fitting[0] if len(fitting) == 1 else None


def _is_coco(file: Path) -> bool:
    """Whether a file begins as an object with tables of COCO, or has Roboflow's name."""
    if file.name == KNOWN[0]:
        return True
    try:
        with file.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
    except OSError:
        return False
    tables = {match[1] for match in TABLE.finditer(head)}
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and bool(tables - {b"categories"})


def _json_files(folder: Path) -> list[str]:
    return [name for name in _names(folder) if name.lower().endswith(".json") and not name.startswith(".")]


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []
