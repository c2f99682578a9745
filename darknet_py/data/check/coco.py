"""A COCO folder: both annotation files, and the differences between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from darknet_py.data.check.listed import ListedImage, located
from darknet_py.data.class_matching import ClassList, match_classes
from darknet_py.data.dataset import SPLITS
from darknet_py.data.findings import Findings
from darknet_py.data.formats.coco.annotations import CocoAnnotations, read_annotations
from darknet_py.data.formats.coco.folder import annotation_file, image_folder
from darknet_py.data.images.locate import PathFinder, path_parts
from darknet_py.errors import DataError, quoted


def check_coco(folder: Path, findings: Findings) -> list[ListedImage]:
    """Check both splits.

    Returns: the images that they list, which are not looked at here.
    """
    listed: list[ListedImage] = []
    classes: dict[str, dict[int, str]] = {}
    boxes: Counter[int] = Counter()
    for split in SPLITS:
        try:
            file = annotation_file(folder, split)
            images = image_folder(folder, file.stem.removeprefix("instances_"))
        except DataError as error:
            findings.add("missing-split", f"{split}: {error.message}", folder)
            continue
        finder = PathFinder(folder, (images,))
        read = read_annotations(file, findings, finder=finder)
        if read is not None:
            classes[split] = read.categories
            boxes = _check_boxes(read, split, findings)
            listed += located(_listed(read, split, images), finder, findings)
    if len(classes) == len(SPLITS) and classes["train"] != classes["val"]:
        _compare_classes(classes["train"], classes["val"], boxes, folder, findings)
    return listed


def _compare_classes(
    train: Mapping[int, str], val: Mapping[int, str], boxes: Counter[int], folder: Path, findings: Findings
) -> None:
    """Report what is matched by name in a training, or refused there; `boxes` are those of val."""
    ids = sorted(val)
    one, other = (
        ClassList(tuple(names[key] for key in sorted(names)), split)
        for split, names in zip(SPLITS, (train, val), strict=True)
    )
    try:
        notes = match_classes(one, other, lambda: [boxes[key] for key in ids]).notes
    except DataError:
        odd = sorted(set(train.items()) ^ set(val.items()))
        names = ", ".join(f"{identity} `{quoted(name)}`" for identity, name in odd[:3])
        findings.add("splits-differ", f"has other categories in train than in val: {names}", folder)
        return
    for note in notes or ("val has the classes of train with other ids",):
        findings.add("splits-by-name", note, folder)


def _check_boxes(read: CocoAnnotations, split: str, findings: Findings) -> Counter[int]:
    """Report classes without boxes; returns the number of boxes of each category."""
    file = read.tables.file
    counts = Counter(box.category for boxes in read.boxes.values() for box in boxes)
    findings.boxes += counts.total() - read.repeated
    if not counts:
        findings.add("no-boxes", f"{split} has no box", file)
    elif split == "train":
        for identity, name in read.categories.items():
            if not counts[identity]:
                findings.add("class-without-boxes", f"train has no box of `{quoted(name)}`", file)
    return counts


def _listed(read: CocoAnnotations, split: str, folder: Path) -> list[ListedImage]:
    places = read.tables.places  # the rows are not kept for as long as the images are looked at
    return [
        ListedImage(
            folder.joinpath(*path_parts(image.name)),
            split,
            read.tables.file,
            image.name,
            partial(places.row, "images", image.at, "file_name"),
            size=image.size,
            root=folder,
        )
        for image in read.images
    ]
