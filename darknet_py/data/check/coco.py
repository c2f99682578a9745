"""A COCO folder: both annotation files, and the differences between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from darknet_py.data.check.listed import ListedImage, located
from darknet_py.data.check.splits import splits_to_check
from darknet_py.data.class_matching import ClassList, match_classes
from darknet_py.data.findings import Findings
from darknet_py.data.formats.coco.annotations import CocoAnnotations, read_annotations
from darknet_py.data.formats.coco.layouts import coco_source, coco_splits
from darknet_py.data.formats.splits import ALL
from darknet_py.data.images.locate import PathFinder, path_parts
from darknet_py.errors import DataError, quoted


def check_coco(folder: Path, findings: Findings) -> list[ListedImage]:
    """Check all splits.

    Returns: the images that they list, which are not looked at here.
    """
    listed: list[ListedImage] = []
    classes: dict[str, dict[int, str]] = {}
    boxes: dict[str, Counter[int]] = {}
    for split in splits_to_check(coco_splits(folder), folder, findings):
        try:
            source = coco_source(folder, split)
            finder = PathFinder(folder if folder.is_dir() else folder.parent, source.likeliest())
            read = read_annotations(source.file, findings, finder=finder)
            if read is None:
                continue
            classes[split] = read.categories
            boxes[split] = _check_boxes(read, split, findings)
            images = _listed(read, split, source.images([image.name for image in read.images]))
            listed += located(images, finder, findings)
        except DataError as error:
            findings.add("missing-split", f"{split}: {error.message}", folder)
    for split in [split for split in classes if split != "train"]:
        if "train" in classes and classes["train"] != classes[split]:
            _compare_classes(classes["train"], (split, classes[split]), boxes[split], folder, findings)
    return listed


def _compare_classes(
    train: Mapping[int, str],
    other_split: tuple[str, Mapping[int, str]],
    boxes: Counter[int],
    folder: Path,
    findings: Findings,
) -> None:
    """Report what is matched by name in a training, or refused there; `boxes` are of the other split."""
    split, val = other_split
    ids = sorted(val)
    one, other = (
        ClassList(tuple(names[key] for key in sorted(names)), source)
        for source, names in (("train", train), other_split)
    )
    try:
        notes = match_classes(one, other, lambda: [boxes[key] for key in ids]).notes
    except DataError:
        odd = sorted(set(train.items()) ^ set(val.items()))
        names = ", ".join(f"{identity} `{quoted(name)}`" for identity, name in odd[:3])
        findings.add("splits-differ", f"has other categories in train than in {split}: {names}", folder)
        return
    for note in notes or (f"{split} has the classes of train with other ids",):
        findings.add("splits-by-name", note, folder)


def _check_boxes(read: CocoAnnotations, split: str, findings: Findings) -> Counter[int]:
    """Report classes without boxes; returns the number of boxes of each category."""
    file = read.tables.file
    counts = Counter(box.category for boxes in read.boxes.values() for box in boxes)
    findings.boxes += counts.total() - read.repeated
    if not counts:
        findings.add("no-boxes", f"{split} has no box", file)
    elif split in ("train", ALL):
        for identity, name in read.categories.items():
            if not counts[identity]:
                findings.add("class-without-boxes", f"{split} has no box of `{quoted(name)}`", file)
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
