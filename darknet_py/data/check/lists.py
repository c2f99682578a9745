"""Darknet's `.data` files: their lists, and the label files of every image."""

from __future__ import annotations

import os
from pathlib import Path

from darknet_py.data.check.labels import LabelChecker
from darknet_py.data.check.listed import ListedImage, located
from darknet_py.data.check.splits import splits_to_check
from darknet_py.data.findings import Findings
from darknet_py.data.formats.darknet.data_file import DataFile, ImageList, ListedPath, data_file_of
from darknet_py.data.formats.labelled.classifier_lists import image_classes, read_classes
from darknet_py.data.images.locate import PathFinder
from darknet_py.errors import quoted


def check_data_file(file: Path, findings: Findings) -> list[ListedImage]:
    """Check a `.data` file and all that it names.

    Returns: the images, which are not looked at here.
    """
    file = data_file_of(file)
    data = DataFile(file, findings)
    if not data.readable:
        return []
    classifier = "labels" in data.entries
    names = read_classes(data)[0] if classifier else data.names()
    splits = splits_to_check(data.splits, file, findings)
    lists = {split: data.images(data.splits.get(split, split)) for split in splits}
    for images in lists.values():
        _check_paths(images, file, findings)
        if classifier:
            image_classes(images, names, findings)
    listed = {
        split: located(
            _listed(images, split), PathFinder(file.parent, (file.parent, images.file.parent)), findings
        )
        for split, images in lists.items()
    }
    if not classifier:
        LabelChecker(names, findings).check(listed, file)
    return [image for images in listed.values() for image in images]


def _check_paths(images: ImageList, file: Path, findings: Findings) -> None:
    """Report paths that Darknet, or another current folder, would resolve differently."""
    relative = 0
    for line in images.paths:
        there, other = os.path.exists(line.path), file.parent / line.written
        if there and os.path.exists(other) and not os.path.samefile(line.path, other):
            written = quoted(line.written)
            message = f"`{written}` is read from the current folder; `{quoted(other)}` is there too"
            findings.add("path-in-two-places", message, images.file, line.line)
        relative += there and not os.path.exists(line.written)
    if relative:
        share, name = f"{relative} of {len(images.paths)}", quoted(file.name)
        message = f"{share} paths are looked up from the folder of `{name}`"
        findings.add("path-relative", message, images.file)


def _listed(images: ImageList, split: str) -> list[ListedImage]:
    def image(line: ListedPath) -> ListedImage:
        place = (line.line, line.column)
        return ListedImage(line.path, split, images.file, line.written, lambda: place)

    return [image(line) for line in images.paths]
