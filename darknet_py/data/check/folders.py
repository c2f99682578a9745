"""Folders whose layout defines their content: YOLO's, and folders of classes."""

from __future__ import annotations

import os
from pathlib import Path

from darknet_py.data.check.labels import LabelChecker
from darknet_py.data.check.listed import ListedImage
from darknet_py.data.check.splits import splits_to_check
from darknet_py.data.class_matching import labels_by_name
from darknet_py.data.findings import Findings
from darknet_py.data.formats.darknet.names_files import names_file
from darknet_py.data.formats.darknet.yolo_folder import layout_names
from darknet_py.data.formats.darknet.yolo_layouts import (
    YoloLayout,
    YoloSplit,
    find_yolo,
    images_of,
    name_from,
)
from darknet_py.data.formats.labelled.base import SPLIT_FOLDERS
from darknet_py.data.images.kinds import SUFFIXES
from darknet_py.data.images.listing import is_hidden, is_image_name
from darknet_py.errors import DataError, quoted


def check_yolo(folder: Path, findings: Findings) -> list[ListedImage]:
    """Check a YOLO folder or a `data.yaml`: names, and the labels of every image."""
    layout = find_yolo(folder) or YoloLayout(folder, {})
    where, names = layout.root, list[str]()
    try:
        names = layout_names(layout, findings, described=folder.is_file())
        file = names_file(where, layout.sources)
        if layout.yaml and not folder.is_file() and file != layout.yaml.file:
            message = f"has names too; those of {file.name} are read"
            findings.add("yaml-not-read", message, layout.yaml.file)
    except DataError as error:
        findings.add("missing-file", error.message, where)
    listed: dict[str, list[ListedImage]] = {}
    for split in splits_to_check(layout.splits, where, findings):
        if split not in layout.splits:
            findings.add("missing-split", f"has no folder images/{split}", where)
            continue
        listed[split] = _yolo_images(layout, split, findings)
    LabelChecker(names, findings).check(listed, where)
    return [image for images in listed.values() for image in images]


def _yolo_images(layout: YoloLayout, split: str, findings: Findings) -> list[ListedImage]:
    listed: list[ListedImage] = []
    chosen = layout.splits[split]
    for source in chosen.sources:
        if source.is_dir() and chosen.deep:
            paths = [path for path in walk(source, findings) if is_image_name(path.name)]
            images = [(name_from(path, layout.root), path) for path in paths]
        else:
            images, _ = images_of(layout, YoloSplit((source,), chosen.deep), findings)
        file = None if source.is_dir() else source
        listed += [ListedImage(path, split, file or path, written) for written, path in images]
        if not images:
            findings.add("no-images", f"holds no image ending in {', '.join(SUFFIXES)}", source)
    return listed


def check_class_folders(folder: Path, findings: Findings) -> list[ListedImage]:
    """Check `train/CLASS/*.jpg` and the same for val: the classes, and other files among them."""
    listed: list[ListedImage] = []
    classes: dict[str, set[str]] = {}
    for split, names in SPLIT_FOLDERS.items():
        home = next((folder / name for name in names if (folder / name).is_dir()), None)
        if home is None:
            findings.add("missing-split", f"{split}: has no folder {' or '.join(names)}", folder)
            continue
        classes[split] = {e.name for e in os.scandir(home) if e.is_dir() and not is_hidden(e.name)}
        counts = dict.fromkeys(sorted(classes[split]), 0)
        for path in walk(home, findings):
            inside = path.relative_to(home).parts
            if len(inside) < 2 or not is_image_name(path.name):
                findings.add("stray-file", "is no image of a class", path)
                continue
            counts[inside[0]] += 1
            listed.append(ListedImage(path, split, path, "/".join(inside)))
        if split == "train":
            for name in (name for name, count in counts.items() if not count):
                message = f"has no image of the class `{quoted(name)}`"
                findings.add("class-without-boxes", message, home / name)
        if not any(counts.values()):
            findings.add("no-images", "holds no image of a class", home)
        own, train = sorted(classes[split]), sorted(classes.get("train", classes[split]))
        labels = zip(own, labels_by_name(train, own), strict=True)
        for name in (name for name, label in labels if label is None):
            message = f"is a folder of the class `{quoted(name)}`, which train has not"
            findings.add("class-unknown", message, home / name)
    return listed


def walk(folder: Path, findings: Findings) -> list[Path]:
    """List all files in a folder and below, by name, without hidden ones.

    Links are followed, except those that form a loop.
    """
    found: list[Path] = []

    def unreadable(error: OSError) -> None:
        message = f"cannot be listed: {error.strerror}"
        findings.add("folder-unreadable", message, Path(str(error.filename)))

    for at, folders, names in os.walk(folder, followlinks=True, onerror=unreadable):
        for name in tuple(folders):
            path = Path(at, name)
            if path.is_symlink() and path.parent.resolve().is_relative_to(path.resolve()):
                findings.add("folder-loop", "is a link back to a folder that holds it", path)
                folders.remove(name)
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        found += [Path(at, name) for name in names if not is_hidden(name)]
    return sorted(found)
