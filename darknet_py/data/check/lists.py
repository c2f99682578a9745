"""Darknet's `.data` files: their lines, the lists, the names, and the labels of every image."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from darknet_py.data.check.findings import Findings, Listed
from darknet_py.data.check.labels import Labels
from darknet_py.data.check.names import check_names, without_boxes
from darknet_py.data.check.text import lines_with_numbers
from darknet_py.data.formats.darknet_lists import MOST_BYTES, label_places, resolve
from darknet_py.errors import quoted

ANY_CLASS = 10**6  # where the names are unknown
SPLIT_KEYS = {"train": "train", "val": "valid"}


@dataclass(frozen=True)
class Entry:
    """The value of a key of the `.data` file, and its place."""

    value: str
    line: int
    column: int


def check_data_file(file: Path, findings: Findings) -> list[Listed]:
    """Check a `.data` file and all that it names, but for the images, which are returned."""
    entries = _entries(file, findings)
    if entries is None:
        return []
    classifier = "labels" in entries
    names = _names(file, entries, findings)
    words = _words(file, entries, findings) if classifier else []
    listed: dict[str, list[Listed]] = {}
    for split, key in SPLIT_KEYS.items():
        entry = _needed(file, entries, key, findings)
        images = _named_file(file, key, entry, findings) if entry else None
        listed[split] = _listed(images, file, split, findings) if images else []
        if classifier:
            for image in listed[split]:
                _label_in_path(image, words, findings)
    if not classifier:
        check_labels(listed, names, file, findings)
    return [image for images in listed.values() for image in images]


def check_labels(
    listed: dict[str, list[Listed]], names: Sequence[str], file: Path, findings: Findings
) -> None:
    """Check the label files of all images, and count the boxes of each class."""
    labels = Labels(len(names) or ANY_CLASS, findings)
    for split, images in listed.items():
        per_class, missing = Counter[int](), []
        for image in images:
            found = labels.of(image)
            per_class.update(found or {})
            if found is None:
                missing.append(image)
        findings.boxes += per_class.total()
        if missing and len(missing) == len(images):
            place = label_places(images[0].written, images[0].path)[0]
            message = (
                f"none of the {len(images)} images of {split} has a label file such as `{quoted(place)}`"
            )
            findings.add("labels-all-missing", message, images[0].file)
        else:
            for image in missing:
                message = f"`{quoted(image.written)}` has no label file"
                findings.add("label-missing", message, image.file, image.line, image.column)
            if images and not per_class.total():
                findings.add("no-boxes", f"{split} has no box", images[0].file)
            elif split == "train":
                empty = [name for label, name in enumerate(names) if images and not per_class[label]]
                without_boxes(empty, file, findings)
    _labels_without_image(labels, {image.file for images in listed.values() for image in images}, findings)


def _labels_without_image(labels: Labels, lists: set[Path], findings: Findings) -> None:
    known = {path.resolve() for path in (*labels.met, *lists)}
    for folder in sorted({path.parent for path in labels.met}):
        left = [p for p in sorted(folder.glob("*.txt")) if p.resolve() not in known and _looks_like_labels(p)]
        if left:
            told = ", ".join(f"`{quoted(path.name)}`" for path in left[:3])
            message = f"{len(left)} label files are for images in no list: {told}"
            findings.add("label-without-image", message, folder)


def _looks_like_labels(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            return re.match(rb"\s*\d+(\s+[\d.eE+-]+){4}\s", stream.readline(1000) + b"\n") is not None
    except OSError:
        return False


def _entries(file: Path, findings: Findings) -> dict[str, Entry] | None:
    lines = lines_with_numbers(file, findings, most=MOST_BYTES)
    if lines is None:
        return None
    entries: dict[str, Entry] = {}
    for at, line in lines:
        if not line.strip() or line.strip()[0] in "#;":
            continue
        key, equals, value = (part.strip() for part in line.partition("="))
        column = line.find(value, line.find("=")) + 1
        if not (key and equals and value):
            findings.add("data-line", f"`{quoted(line.strip())}` is not `key = value`", file, at)
        elif key in entries:
            message = f"`{quoted(key)}` is given in line {entries[key].line} already"
            findings.add("data-duplicate-key", message, file, at)
        else:
            entries[key] = Entry(value, at, column)
    return entries


def _needed(file: Path, entries: dict[str, Entry], key: str, findings: Findings) -> Entry | None:
    if key not in entries:
        findings.add("missing-key", f"`{key} =` is missing", file)
    return entries.get(key)


def _named_file(file: Path, key: str, entry: Entry, findings: Findings) -> Path | None:
    path = resolve(entry.value, file)
    if os.path.exists(path):
        return path
    message = f"`{key} = {quoted(entry.value)}` does not exist"
    findings.add("missing-file", message, file, entry.line, entry.column)
    return None


def _names(file: Path, entries: dict[str, Entry], findings: Findings) -> list[str]:
    """The class names; where they cannot be read, as many numbers as `classes =` says."""
    count = _needed(file, entries, "classes", findings) if "labels" not in entries else entries.get("classes")
    stated = 0
    if count and re.fullmatch(r"[1-9]\d{0,5}", count.value, re.ASCII):
        stated = int(count.value)
    elif count:
        message = f"classes = {quoted(count.value)} is not a whole number from 1 to 999999"
        findings.add("classes-value", message, file, count.line, count.column)
    entry = _needed(file, entries, "names", findings) if "labels" not in entries else entries.get("names")
    path = _named_file(file, "names", entry, findings) if entry else None
    names = read_names(path, findings) if path else []
    if count and stated and path and len(names) != stated:
        message = f"classes = {stated}, but {quoted(path)} has {len(names)} names"
        findings.add("names-count", message, file, count.line, count.column)
    return names or [str(label) for label in range(stated)]


def read_names(file: Path, findings: Findings) -> list[str]:
    """Read and check class names, one a line; blank lines after the last are none."""
    lines = lines_with_numbers(file, findings, most=MOST_BYTES) or []
    while lines and not lines[-1][1].strip():
        lines.pop()
    check_names([(line.strip(), at, 1) for at, line in lines], file, findings)
    if not lines:
        findings.add("no-classes", "names no class", file)
    return [line.strip() for _, line in lines]


def _words(file: Path, entries: dict[str, Entry], findings: Findings) -> list[str]:
    path = _named_file(file, "labels", entries["labels"], findings)
    return read_names(path, findings) if path else []


def _label_in_path(image: Listed, words: Sequence[str], findings: Findings) -> None:
    found = [word for word in words if word in image.written]
    if words and len(found) != 1:
        told = " and ".join(f"`{quoted(word)}`" for word in found[:3]) or "no label"
        message = f"`{quoted(image.written)}` holds {told}"
        findings.add("label-in-path", message, image.file, image.line, image.column)


def _listed(images: Path, file: Path, split: str, findings: Findings) -> list[Listed]:
    """The images of a list; how its paths are written is checked."""
    listed, beside = [], 0
    for at, line in lines_with_numbers(images, findings, most=MOST_BYTES) or ():
        written = line.strip()
        if not written:
            continue
        if line != written:
            message = f"`{quoted(written)}` has spaces before or after it"
            findings.add("path-spaces", message, images, at)
        path = resolve(written, file)
        other = file.parent / written
        if os.path.exists(path) and os.path.exists(other) and not os.path.samefile(path, other):
            message = f"`{quoted(written)}` is read from the current folder; `{quoted(other)}` is there too"
            findings.add("path-in-two-places", message, images, at)
        beside += os.path.exists(path) and not os.path.exists(written)
        listed.append(Listed(path, split, images, at, line.find(written) + 1, written=written))
    if beside and listed:
        message = f"{beside} of {len(listed)} paths are looked up from the folder of `{quoted(file.name)}`"
        findings.add("path-relative", message, images)
    if not listed:
        findings.add("no-images", "lists no image", images)
    return listed
