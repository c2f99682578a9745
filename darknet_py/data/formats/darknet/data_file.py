"""Darknet's `.data` file, the lists of images and the class names that it refers to.

    classes = 2
    train = data/train.txt
    valid = data/val.txt
    names = data/obj.names

A path is looked up from the current folder, as Darknet does, and then from the folder of the `.data` file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from darknet_py.data.findings import Findings
from darknet_py.data.formats.class_names import read_names
from darknet_py.data.formats.darknet.moved_paths import end_inside
from darknet_py.data.formats.splits import ALL
from darknet_py.data.formats.text_lines import numbered_lines
from darknet_py.data.images.listing import is_hidden
from darknet_py.errors import quoted

SPLIT_KEYS = {"train": "train", "val": "valid", "test": "test"}


@dataclass(frozen=True)
class DataEntry:
    """The value of a key of the `.data` file, and its place."""

    value: str
    line: int
    column: int


class ListedPath(NamedTuple):
    """A line of a list: the path as it is written, where it was found, and line and column."""

    written: str
    path: Path
    line: int
    column: int


@dataclass(frozen=True)
class ImageList:
    """The list of a split: its file, the paths in it, and how many lines name hidden files."""

    file: Path
    paths: Sequence[ListedPath] = ()
    hidden: int = 0


class DataFile:
    """A `.data` file; what is wrong with it is reported, and keys that are not ours (backup) are not used."""

    def __init__(self, file: Path, findings: Findings) -> None:
        """Read the `key = value` lines."""
        self.file, self.findings = file, findings
        self.entries: dict[str, DataEntry] = {}
        lines = numbered_lines(file, findings, paths=True)
        self.readable = lines is not None
        for at, line in lines or ():
            if not line.strip() or line.strip()[0] in "#;":
                continue
            key, equals, value = (part.strip() for part in line.partition("="))
            if not (key and equals and value):
                findings.add("data-line", f"`{quoted(line.strip())}` is not `key = value`", file, at)
            elif key in self.entries:
                findings.add("data-duplicate-key", f"`{quoted(key)}` is given twice", file, at)
            else:
                self.entries[key] = DataEntry(value, at, line.find(value, line.find("=")) + 1)

    @property
    def splits(self) -> dict[str, str]:
        """The splits that have a list; with `train =` alone, as CVAT exports it, all is one."""
        found = {split: split for split, key in SPLIT_KEYS.items() if key in self.entries}
        return {ALL: "train"} if list(found) == ["train"] else found

    def needed(self, key: str) -> DataEntry | None:
        """Return an entry, or None after reporting that it is missing."""
        if key not in self.entries:
            present = quoted(", ".join(self.entries)) or "nothing"
            self.findings.add("missing-key", f"`{key} =` is missing; found {present}", self.file)
        return self.entries.get(key)

    def names(self) -> list[str]:
        """Read the class names; where they cannot be read, as many numbers as `classes` asks for."""
        count, entry = self.needed("classes"), self.needed("names")
        names = self.words("names") if entry else []
        classes = self.count_of(count, names, "names") if count else 0
        return names or [str(label) for label in range(classes)]

    def words(self, key: str) -> list[str]:
        """Read the names in the file that a key refers to."""
        path = self._path(key, self.entries[key])
        return read_names(path, self.findings) if path else []

    def count_of(self, count: DataEntry, names: Sequence[str], key: str) -> int:
        """Return the number of `classes`, which is that of the names; 0 where it is no such number."""
        if not re.fullmatch(r"[1-9]\d{0,5}", count.value, re.ASCII):
            message = f"classes = {quoted(count.value)} is not a whole number from 1 to 999999"
            self.findings.add("classes-value", message, self.file, count.line, count.column)
            return 0
        path = self._place(self.entries[key].value) if key in self.entries else None
        if path and os.path.exists(path) and len(names) != int(count.value):
            message = f"classes = {count.value}, but {quoted(path)} has {len(names)} {key}"
            self.findings.add("names-count", message, self.file, count.line, count.column)
        return int(count.value)

    def images(self, split: str) -> ImageList:
        """Read the list of a split."""
        key = SPLIT_KEYS[split]
        entry = self.needed(key)
        path = self._path(key, entry) if entry else None
        if path is None:
            return ImageList(self.file)
        listed, hidden = [], 0
        for at, line in numbered_lines(path, self.findings, paths=True) or ():
            written = line.strip()
            if written and line != written:
                message = f"`{quoted(written)}` has spaces before or after it"
                self.findings.add("path-spaces", message, path, at)
            if written and is_hidden(re.split(r"[\\/]", written)[-1]):
                hidden += 1
            elif written:
                found = resolve(written, self.file, path)
                listed.append(ListedPath(written, found, at, line.find(written) + 1))
        if not listed:
            self.findings.add("no-images", "lists no image", path)
        return ImageList(path, listed, hidden)

    def _place(self, written: str) -> Path:
        """Where a file is: `data/obj.names`, as CVAT writes, may be next to the `.data` file."""
        path = resolve(written, self.file)
        return path if os.path.exists(path) else end_inside(written, self.file.parent) or path

    def _path(self, key: str, entry: DataEntry) -> Path | None:
        """The file that an entry refers to, or None after reporting that there is none."""
        path = self._place(entry.value)
        if os.path.exists(path):
            return path
        message = f"`{key} = {quoted(entry.value)}` does not exist"
        self.findings.add("missing-file", message, self.file, entry.line, entry.column)
        return None


def data_file_of(place: Path) -> Path:
    """The `.data` file in a folder, `obj.data` or the only one; else the path itself."""
    if not place.is_dir():
        return place
    files = sorted(place.glob("*.data"))
    known = [file for file in files if file.name == "obj.data"] or files
    return known[0] if len(known) == 1 else place


def resolve(written: str, data_file: Path, list_file: Path | None = None) -> Path:
    """Look a path up from the current folder, from that of the `.data` file, and from that of the list."""
    here = Path(written)
    if os.path.exists(here):
        return here
    place = data_file.parent / written
    near_list = list_file.parent / written if list_file and not os.path.exists(place) else place
    return near_list if os.path.exists(near_list) else place
