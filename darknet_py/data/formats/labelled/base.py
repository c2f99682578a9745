"""Images with one label each, for classifiers: folders of a class each, Darknet's lists, CIFAR-10's files."""

from __future__ import annotations

import hashlib
import json
import os
from abc import abstractmethod
from collections import Counter
from functools import cached_property
from itertools import chain
from pathlib import Path

import numpy as np

from darknet_py.data.class_matching import ClassList, match_classes
from darknet_py.data.dataset import Dataset, Record
from darknet_py.data.images.listing import (
    ImageListing,
    is_hidden,
    is_image_name,
    list_images,
    no_image_message,
)
from darknet_py.data.images.read import image_size, read_image
from darknet_py.data.summary import BoxCounts
from darknet_py.errors import DataError, quoted

MOST_LETTERS = 4096  # of a class: a folder's name has 255 bytes, which may be spelt as six letters each
SPLIT_FOLDERS = {"train": ("train",), "val": ("val", "valid", "validation", "test")}
NO_CLASSES = ("images", "labels", "annotations", "jpegimages")  # of detection sets, and no class's name


class Labelled(Dataset):
    """Images of one class each. To the rest of the package, each holds one box: all of it."""

    labels: np.ndarray  # (images,) int64, class index 0..K-1

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)

    @abstractmethod
    def name(self, index: int) -> str:
        """Return what the source calls an image."""

    @abstractmethod
    def size(self, index: int) -> tuple[int, int]:
        """Return height and width of an image in pixels."""

    def record(self, index: int) -> Record:
        """Return the label as a box that is all of the image."""
        height, width = self.size(index)
        return Record(
            image_id=index + 1,
            width=width,
            height=height,
            boxes_xywh=np.array([[0.0, 0.0, width, height]]),
            labels=self.labels[index : index + 1],
            crowd=np.zeros(1, bool),
            name=self.name(index),
        )

    def map_labels(self, table: np.ndarray) -> None:
        """Change all labels, and with them the records."""
        self.labels = table[self.labels]

    def box_counts(self) -> BoxCounts:
        """Count the images of each class."""
        return BoxCounts(tuple(np.bincount(self.labels, minlength=len(self.names)).tolist()))

    @cached_property
    def fingerprint(self) -> str:
        """sha256 over classes, names and labels, in hexadecimal; the images are not opened."""
        digest = hashlib.sha256(json.dumps([self.names, len(self)]).encode())
        for index in range(len(self)):
            digest.update(f"{self.name(index)}\0{self.labels[index]}\n".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()


class LabelledFiles(Labelled):
    """Labelled image files.

    Args:
        files: path and class index of each image.
        written: what each is called in names, and so in the fingerprint.
    """

    def __init__(self, names: tuple[str, ...], files: list[tuple[Path, int]], written: list[str]) -> None:
        """Take the list; no file is opened."""
        self.names, self.category_ids = names, tuple(range(1, len(names) + 1))
        self.dropped = {}
        self.labels = np.array([label for _, label in files], np.int64)
        self._paths, self._written = [path for path, _ in files], written

    def name(self, index: int) -> str:
        """Return the path as it was written."""
        return self._written[index]

    def size(self, index: int) -> tuple[int, int]:
        """Read the header of one image."""
        return image_size(self._paths[index])

    def path(self, index: int) -> Path:
        """Return where an image is."""
        return self._paths[index]

    def pixels(self, index: int) -> np.ndarray:
        """Decode one image."""
        return self.cache(self._paths[index], read_image)


class ClassFolders(LabelledFiles):
    """`train/CLASS/*.jpg` and `val/CLASS/*.jpg` (also valid, validation, test), as torchvision's ImageFolder.

    Classes are the folders of `train`, in the order of their names; images may lie in folders inside them.
    What cannot be printed in such a name, as bytes that are not UTF-8, is spelt in the class's.

    Args:
        folder: that holds the splits.
        split: "train" or "val".

    Raises: DataError: when a split is missing, `train` has no image of a class, or `val` another class.
    """

    def __init__(self, folder: Path, *, split: str) -> None:
        """List the files of every class."""
        train, home = _split_folder(folder, "train"), _split_folder(folder, split)
        names = _class_names(train)
        own = _class_names(home)
        listed = [list_images(home / name, inside=True) for name in own]
        match = match_classes(
            ClassList(names, quoted(train)),
            ClassList(own, quoted(home), "image"),
            lambda: [len(listing.images) for listing in listed],
            placeholders=False,
            hint="each image of val is of a class that train has",
        )
        found = {label: listing.images for label, listing in zip(match.labels, listed, strict=True)}
        files = [(path, at) for at in range(len(names)) for path in sorted(found.get(at, ()), key=str)]
        others: Counter[str] = sum((listing.others for listing in listed), Counter())
        if not files:
            raise DataError(no_image_message(others), where=home)
        empty = sorted(set(names) - {names[label] for _, label in files})
        if empty and home == train:
            raise DataError(f"has no image of the class `{quoted(empty[0])}`", where=home)
        spelt = tuple(quoted(name, limit=MOST_LETTERS) for name in names)
        super().__init__(spelt, files, [path.relative_to(home).as_posix() for path, _ in files])
        self.dropped, self.notes = ImageListing([], others).unread, match.notes

    @classmethod
    def recognises(cls, spec: str) -> bool:
        """Whether `train` has a folder that holds images, and there are no annotations of COCO's."""
        train = Path(spec, "train")
        if not train.is_dir() or any(Path(spec, "annotations").glob("instances_*.json")):
            return False
        folders = [entry for entry in _folders(train) if entry.name.casefold() not in NO_CLASSES]
        walked = (names for entry in folders[:3] for _, _, names in os.walk(entry))
        return any(map(is_image_name, chain.from_iterable(walked)))

    @classmethod
    def from_spec(cls, spec: str, *, split: str, seed: int = 0) -> ClassFolders:
        """Open a folder."""
        return cls(Path(spec), split=split)


def _split_folder(folder: Path, split: str) -> Path:
    names = SPLIT_FOLDERS.get(split, (split,))
    found = next((folder / name for name in names if (folder / name).is_dir()), None)
    if found is None:
        raise DataError(f"has no split `{quoted(split)}`: no folder {' or '.join(names)}", where=folder)
    return found


def _class_names(home: Path) -> tuple[str, ...]:
    names = tuple(path.name for path in _folders(home))
    if not names:
        raise DataError("has no folder of a class", where=home, hint="expected CLASS/IMAGE.jpg inside")
    return names


def _folders(home: Path) -> list[Path]:
    entries = (Path(e.path) for e in os.scandir(home) if e.is_dir() and not is_hidden(e.name))
    return sorted(entries, key=lambda path: path.name)
