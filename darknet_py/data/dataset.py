"""What a data set is to the rest of the package: records, pixels, and a ground truth in COCO's shape.

A data set is indexed by position. Labels are class indices 0..K-1; COCO category ids appear only in
`category_ids` and in `ground_truth()`, so that ids with gaps (COCO's 1..90) go out as they came in.
"""

from __future__ import annotations

import copy
import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from darknet_py.data.summary import BoxCounts, DataSummary, count_boxes
from darknet_py.errors import DataError

SPLITS = ("train", "val")
ImageReader = Callable[[Path], np.ndarray]  # an image file, decoded


@dataclass(frozen=True, eq=False)
class Record:
    """One image and what is in it; its pixels are read separately.

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


class Dataset(ABC):
    """Images with boxes. A subclass sets the three attributes and gives `__len__`, `record` and `pixels`.

    Args:
        names: class names, in the order of labels.
        category_ids: COCO category id of each class.
        dropped: what of the source was left out and why, with the number.
        notes: what a user should know of how the source was read and how classes were matched, a line each.
        adjusted: what was read otherwise than it is written, with the number.
        cache: reads image files for `pixels`, see `cache.py`; by default nothing is cached.
    """

    names: tuple[str, ...]
    category_ids: tuple[int, ...]
    dropped: dict[str, int]
    notes: tuple[str, ...] = ()
    adjusted: Mapping[str, int] = MappingProxyType({})
    stated_in: str = "the annotation"  # where a size stands, in the words of a message
    cache: Callable[[Path, ImageReader], np.ndarray] = staticmethod(lambda path, read: read(path))

    @classmethod
    def splits(cls, spec: str) -> tuple[str, ...]:
        """The splits that a data set of this class has, `all` where it is not divided."""
        return SPLITS

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of images."""

    @abstractmethod
    def record(self, index: int) -> Record:
        """Return what is known of one image without its pixels."""

    @abstractmethod
    def pixels(self, index: int) -> np.ndarray:
        """Return one upright image, (H, W, 3) uint8 RGB, not to be written into; H and W are the record's."""

    def box_counts(self) -> BoxCounts | None:
        """Count the boxes of all images; None where that would mean to draw them all."""
        return count_boxes([self.record(index) for index in range(len(self))], len(self.names))

    @cached_property
    def summary(self) -> DataSummary:
        """What there is, and what of the source was left out."""
        counts = self.box_counts()
        return DataSummary(
            images=len(self),
            boxes=sum(counts.per_class) if counts else None,
            boxes_per_class=dict(zip(self.names, counts.per_class, strict=True)) if counts else None,
            crowd=counts.crowd if counts else 0,
            images_without_boxes=counts.images_without_boxes if counts else 0,
            left_out=dict(self.dropped),
            adjusted=dict(self.adjusted),
            notes=self.notes,
        )

    def path(self, index: int) -> Path | None:
        """Return the file of one image, or None where it has none of its own."""
        return None

    def stated_size(self, index: int) -> tuple[int, int] | None:
        """Return the height and width that the source states, or None where it states none."""
        return None

    def check_size(self, index: int, size: tuple[int, int]) -> None:
        """Check the height and width of an image against what the source states.

        Raises: DataError: when they differ.
        """
        stated = self.stated_size(index) or size
        if size != stated:
            upright, other = (f"{width} x {height}" for height, width in (size, stated))
            raise DataError(
                f"is {upright} pixels upright, but {self.stated_in} says {other}",
                where=self.path(index),
                hint="the boxes belong to another size or another EXIF orientation of this image",
            )

    @cached_property
    def fingerprint(self) -> str:
        """sha256 over classes, file names, sizes and boxes, in hexadecimal; pixels are not read.

        Which category id belongs to which class does not count: a file that lists its classes in another
        order is the same data, once they are matched by name.
        """
        digest = hashlib.sha256(json.dumps([self.names, sorted(self.category_ids)]).encode())
        for index in range(len(self)):
            record = self.record(index)
            head = [record.image_id, record.name, record.width, record.height, len(record.labels)]
            digest.update(json.dumps(head).encode())
            for array in (record.boxes_xywh, record.labels, record.crowd):
                digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def map_labels(self, table: np.ndarray) -> None:
        """Change the labels of all records, those of the class `label` to `table[label]`."""
        unchanged = copy.copy(self)
        self.record = partial(_mapped, unchanged.record, table)  # type: ignore[method-assign]

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


def _mapped(read: Callable[[int], Record], table: np.ndarray, index: int) -> Record:
    record = read(index)
    return replace(record, labels=table[record.labels])
