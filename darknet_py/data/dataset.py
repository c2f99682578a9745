"""What a data set is to the rest of the package: records, pixels, and a ground truth in COCO's shape.

A data set is indexed by position. Labels are class indices 0..K-1; COCO category ids appear only in
`category_ids` and in `ground_truth()`, so that ids with gaps (COCO's 1..90) go out as they came in.
"""

from __future__ import annotations

import hashlib
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from darknet_py.errors import DataError, quoted

SPLITS = ("train", "val")
Reader = Callable[[Path], np.ndarray]  # an image file, decoded


@dataclass(frozen=True, eq=False)
class Record:
    """One image and what is in it; the pixels are read apart.

    Args:
        image_id: as the source has it; results are written back under it.
        width: of the upright image, in pixels.
        height: of the upright image, in pixels.
        boxes_xywh: (T, 4) float64, pixels from the corner; a box may cross the edge of the image.
        labels: (T,) int64, class index 0..K-1.
        crowd: (T,) bool; a crowd is ignored in scoring, not a truth.
        name: of the file, as the source writes it.
        areas: (T,) float64 where the source has areas of its own, else None: the areas of the boxes.
    """

    image_id: int
    width: int
    height: int
    boxes_xywh: np.ndarray
    labels: np.ndarray
    crowd: np.ndarray
    name: str
    areas: np.ndarray | None = None


def _uncached(path: Path, read: Reader) -> np.ndarray:
    return read(path)


class Dataset(ABC):
    """Images with boxes. A subclass sets the three attributes and gives `__len__`, `record` and `pixels`.

    Args:
        names: class names, in the order of labels.
        category_ids: COCO category id of each class.
        dropped: what of the source was left out and why, with the number.
        cache: what `pixels` has image files read by, see `cache.py`; at first nothing is kept.
    """

    names: tuple[str, ...]
    category_ids: tuple[int, ...]
    dropped: dict[str, int]
    cache: Callable[[Path, Reader], np.ndarray] = staticmethod(_uncached)

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of images."""

    @abstractmethod
    def record(self, index: int) -> Record:
        """Return what is known of one image without its pixels."""

    @abstractmethod
    def pixels(self, index: int) -> np.ndarray:
        """Return one upright image, (H, W, 3) uint8 RGB, not to be written into; H and W are the record's."""

    @cached_property
    def fingerprint(self) -> str:
        """sha256 over classes, file names, sizes and boxes, in hexadecimal; pixels are not read."""
        digest = hashlib.sha256(json.dumps([self.names, self.category_ids]).encode())
        for index in range(len(self)):
            record = self.record(index)
            head = [record.image_id, record.name, record.width, record.height, len(record.labels)]
            digest.update(json.dumps(head).encode())
            for array in (record.boxes_xywh, record.labels, record.crowd):
                digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def ground_truth(self) -> dict[str, Any]:
        """Build the COCO dictionary that pycocotools scores against.

        Annotations are numbered from 1 in the order of records: pycocotools takes a match with
        annotation 0 for no match.

        Returns: {"info", "images", "annotations", "categories"}.
        """
        records = [self.record(index) for index in range(len(self))]
        annotations = [annotation for record in records for annotation in self._annotations(record)]
        for number, annotation in enumerate(annotations, start=1):
            annotation["id"] = number
        return {
            "info": {},
            "images": [
                {"id": r.image_id, "file_name": r.name, "width": r.width, "height": r.height} for r in records
            ],
            "annotations": annotations,
            "categories": [
                {"id": identity, "name": name}
                for identity, name in zip(self.category_ids, self.names, strict=True)
            ],
        }

    def _annotations(self, record: Record) -> list[dict[str, Any]]:
        boxes = record.boxes_xywh
        areas = boxes[:, 2] * boxes[:, 3] if record.areas is None else record.areas
        rows = zip(boxes.tolist(), record.labels.tolist(), record.crowd.tolist(), areas.tolist(), strict=True)
        return [
            {
                "image_id": record.image_id,
                "category_id": self.category_ids[label],
                "bbox": box,
                "area": area,
                "iscrowd": int(crowd),
            }
            for box, label, crowd, area in rows
        ]


def open_data(spec: str, *, split: str, seed: int = 0) -> Dataset:
    """Open one split of a data set.

    The word `scenes` always means the built-in scenes; a folder of that name is `./scenes`.

    Args:
        spec: "scenes" or "scenes:train=1200,val=300,size=160,seed=0", a COCO folder, a YOLO folder
            (images/train and labels/train), a folder of classes, a folder of CIFAR-10's files, or a Darknet
            .data file (of a classifier where it has `labels`).
        split: "train" or "val"; for a COCO folder also the exact X of `instances_X.json`.
        seed: of the scenes, where the spec names none. It is not the seed of a training run.

    Raises: DataError: when the spec is none of these, or what it names cannot be used.

    >>> len(open_data("scenes:val=20", split="val"))
    20
    """
    # Imported where they are used: each of these files imports Dataset from this one.
    if spec == "scenes" or spec.startswith("scenes:"):
        from darknet_py.data.formats.scenes import Scenes

        return Scenes.from_spec(spec, split=split, seed=seed)
    if os.path.isdir(spec):
        return _folder(Path(spec), split)
    if spec.endswith(".data"):
        return _lists(Path(spec), split)
    found = "a file" if os.path.exists(spec) else "nothing of that name"
    raise DataError(
        f"`{quoted(spec)}` is not a data set: found {found}",
        hint="give a folder with annotations/instances_*.json or with train/CLASS/*.jpg, a .data file, or "
        "`scenes`",
    )


def _folder(folder: Path, split: str) -> Dataset:
    from darknet_py.data.formats.cifar import Cifar10, is_cifar
    from darknet_py.data.formats.coco import CocoFolder
    from darknet_py.data.formats.labelled import ClassFolders, is_class_folders
    from darknet_py.data.formats.yolo_folder import YoloFolder, is_yolo_folder

    if is_cifar(folder):
        return Cifar10(folder, split=split)
    if is_yolo_folder(folder):
        return YoloFolder(folder, split=split)
    return (ClassFolders if is_class_folders(folder) else CocoFolder)(folder, split=split)


def _lists(file: Path, split: str) -> Dataset:
    from darknet_py.data.formats.classifier_lists import ClassifierLists
    from darknet_py.data.formats.darknet_lists import DarknetLists, entries_of

    return (ClassifierLists if "labels" in entries_of(file) else DarknetLists)(file, split=split)
