"""A COCO folder: both annotation files, and the differences between them."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path

from darknet_py.data.check.listed import ListedImage
from darknet_py.data.dataset import SPLITS
from darknet_py.data.findings import Findings
from darknet_py.data.formats.coco.annotations import CocoAnnotations, read_annotations
from darknet_py.data.formats.coco.folder import annotation_file, image_folder
from darknet_py.errors import DataError, quoted


def check_coco(folder: Path, findings: Findings) -> list[ListedImage]:
    """Check both splits.

    Returns: the images that they list, which are not looked at here.
    """
    listed: list[ListedImage] = []
    classes: dict[str, dict[int, str]] = {}
    for split in SPLITS:
        try:
            file = annotation_file(folder, split)
            images = image_folder(folder, file.stem.removeprefix("instances_"))
        except DataError as error:
            findings.add("missing-split", f"{split}: {error.message}", folder)
            continue
        read = read_annotations(file, findings)
        if read is not None:
            classes[split] = read.categories
            _check_boxes(read, split, findings)
            listed += _listed(read, split, images)
    if len(classes) == len(SPLITS) and classes["train"] != classes["val"]:
        odd = sorted(set(classes["train"].items()) ^ set(classes["val"].items()))
        names = ", ".join(f"{identity} `{quoted(name)}`" for identity, name in odd[:3])
        findings.add("splits-differ", f"has other categories in train than in val: {names}", folder)
    return listed


def _check_boxes(read: CocoAnnotations, split: str, findings: Findings) -> None:
    file = read.tables.file
    counts = Counter(box.category for boxes in read.boxes.values() for box in boxes)
    findings.boxes += counts.total() - read.repeated
    if not counts:
        findings.add("no-boxes", f"{split} has no box", file)
    elif split == "train":
        for identity, name in read.categories.items():
            if not counts[identity]:
                findings.add("class-without-boxes", f"train has no box of `{quoted(name)}`", file)


def _listed(read: CocoAnnotations, split: str, folder: Path) -> list[ListedImage]:
    places = read.tables.places  # the rows are not kept for as long as the images are looked at
    return [
        ListedImage(
            folder / image.name,
            split,
            read.tables.file,
            image.name,
            partial(places.row, "images", image.at, "file_name"),
            size=image.size,
            root=folder,
        )
        for image in read.images
    ]
