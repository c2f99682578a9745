"""Annotation files of COCO and the folders of their images; `layouts.py` lists where tools put them.

The file is checked when it is opened: the first error of structure is raised, a box that cannot be a truth is
left out and counted.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from darknet_py.data.dataset import Dataset, Record
from darknet_py.data.findings import FirstError
from darknet_py.data.formats.box_units import COCO_UNITS, BoxUnits
from darknet_py.data.formats.coco.annotations import CocoBox, CocoImage, read_annotations
from darknet_py.data.formats.coco.layouts import coco_source, coco_splits, find_coco
from darknet_py.data.images.locate import PathFinder, path_parts
from darknet_py.data.images.read import read_image
from darknet_py.errors import DataError, quoted

LEFT_OUT = {  # rules by which a box is left out, and the reason that is counted
    "box-length": "not four numbers",
    "box-not-finite": "not finite",
    "box-negative-size": "no width or no height",
    "box-without-size": "no width or no height",
    "box-outside": "outside the image",
}


class CocoFolder(Dataset):
    """One split of a COCO folder; classes stand in the order of their category ids.

    Args:
        folder: that holds annotation files and images, or the path of one annotation file.
        split: "train", "val", "test", or the exact X of `annotations/instances_X.json`; "train" of a folder
            without splits is all of it.
        units: of the boxes, where they are not COCO's.

    Raises: DataError: when anything but a box cannot be used.
    """

    box_units = COCO_UNITS

    def __init__(self, folder: Path, *, split: str, units: BoxUnits | None = None) -> None:
        """Read and check the annotation file, and see that every image is there."""
        source = coco_source(folder, split)
        self.file, self.stated_in = source.file, source.file.name
        report = FirstError(LEFT_OUT)
        finder = PathFinder(folder if folder.is_dir() else folder.parent, source.likeliest())
        read = read_annotations(self.file, report, units=units, finder=finder)
        assert read is not None, "an error is raised"
        self.images = source.images([image.name for image in read.images])
        self._root = os.path.join(os.path.realpath(self.images), "")
        self.category_ids = tuple(sorted(read.categories))
        self.names = tuple(read.categories[identity] for identity in self.category_ids)
        labels = {identity: label for label, identity in enumerate(self.category_ids)}
        self._records = [_record(image, read.boxes, labels) for image in read.images]
        names = [record.name for record in self._records]
        inside = (self.images.joinpath(*(path_parts(n) if n in read.relocated else (n,))) for n in names)
        self._paths = [finder.find(name, [path]) for name, path in zip(names, inside, strict=True)]
        finder.require(len(self._paths), where=self.file)
        self.dropped, self.adjusted = report.dropped, report.adjusted + finder.found
        if read.parent:
            parent = quoted(read.parent)
            self.notes = (
                f"category `{parent}` is no class: it is the parent of all others, and no box is of it",
            )

    @classmethod
    def recognises(cls, spec: str) -> bool:
        """Whether it has annotation files of COCO, or is one."""
        return bool(find_coco(Path(spec)))

    @classmethod
    def from_spec(cls, spec: str, *, split: str, seed: int = 0) -> CocoFolder:
        """Open a folder."""
        return cls(Path(spec), split=split)

    @classmethod
    def in_units(cls, spec: str, *, split: str, units: BoxUnits) -> CocoFolder:
        """Open it with boxes in other units than the format's."""
        return cls(Path(spec), split=split, units=units)

    @classmethod
    def splits(cls, spec: str) -> tuple[str, ...]:
        """The splits that a folder has."""
        return coco_splits(Path(spec))

    def __len__(self) -> int:
        """Return the number of images, those without boxes included."""
        return len(self._records)

    def record(self, index: int) -> Record:
        """Return what the annotation file says of one image."""
        return self._records[index]

    def path(self, index: int) -> Path:
        """Return where an image is."""
        return self._paths[index]

    def pixels(self, index: int) -> np.ndarray:
        """Decode one image, and refuse it when its size is not the one the boxes were drawn for."""
        path = self.path(index)
        if not os.path.realpath(path).startswith(self._root):
            raise DataError(f"is a link that leaves the image folder `{quoted(self.images)}`", where=path)
        pixels = self.cache(path, read_image)
        self.check_size(index, (pixels.shape[0], pixels.shape[1]))
        return pixels

    def stated_size(self, index: int) -> tuple[int, int]:
        """Return what the annotation file states."""
        return self._records[index].height, self._records[index].width


def _record(image: CocoImage, boxes_of: dict[int, list[CocoBox]], labels: dict[int, int]) -> Record:
    assert image.identity is not None, "an error is raised"
    assert image.size is not None, "an error is raised"
    boxes = boxes_of.get(image.identity, [])
    return Record(
        image_id=image.identity,
        width=image.size[0],
        height=image.size[1],
        boxes_xywh=np.array([box.box for box in boxes], dtype=np.float64).reshape(-1, 4),
        labels=np.array([labels[box.category] for box in boxes], dtype=np.int64),
        crowd=np.array([box.crowd for box in boxes], dtype=bool),
        name=image.name,
        areas=np.array([box.area for box in boxes], dtype=np.float64),
    )
