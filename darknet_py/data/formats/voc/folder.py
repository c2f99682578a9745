"""A folder in a layout of Pascal VOC: an XML file an image; `layouts.py` lists where tools put them.

A difficult object is one that VOC's own scoring ignores: it becomes a crowd, which COCO's ignores. Classes
are all names that occur, in alphabetical order, as VOC's twenty are.
Everitt et al., "The Pascal Visual Object Classes (VOC) challenge", IJCV 2010.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from darknet_py.data.dataset import Dataset, Record
from darknet_py.data.findings import FirstError
from darknet_py.data.formats.box_units import VOC_UNITS, BoxUnits
from darknet_py.data.formats.splits import choose
from darknet_py.data.formats.voc.annotation import VocAnnotation, read_annotation
from darknet_py.data.formats.voc.boxes import VocBox, VocBoxes
from darknet_py.data.formats.voc.corners import FROM_ONE, NOTES
from darknet_py.data.formats.voc.layouts import find_voc, image_of
from darknet_py.data.images.locate import PathFinder
from darknet_py.data.images.read import image_size, read_image
from darknet_py.errors import DataError

LEFT_OUT = {  # rules by which a box is left out, and the reason that is counted
    "box-negative-size": "no width or no height",
    "box-without-size": "no width or no height",
    "box-outside": "outside the image",
}


class VocFolder(Dataset):
    """One split of a VOC folder; image ids count from 1 in the order of the list.

    Args:
        folder: that holds annotations and images, see `layouts.py`.
        split: "train", "val" or "test"; "train" of a folder without splits is all of it.

    Raises: DataError: when a file is missing, is no XML, or holds a DTD; with file and line.
    """

    box_units = VOC_UNITS

    def __init__(self, folder: Path, *, split: str, units: BoxUnits | None = None) -> None:
        """Read the list and all annotations of the folder, and see that every image is there."""
        splits, report = find_voc(folder), FirstError(LEFT_OUT)
        if split == "test" and "val" in splits and splits["val"].file.stem == "test":
            split = "val"  # VOC's own test set, where there is no other val
        chosen = choose(splits, split, where=folder, expected="ImageSets/Main/train.txt and val.txt")
        notes = [_read(file, report) for file in chosen.files(report)]
        others = [part.files(report) for part in splits.values() if part is not chosen]
        known = {note.file for note in notes}
        files = dict.fromkeys(
            file for part in others for file in part if file not in known and file.is_file()
        )
        together = [*notes, *(_read(file, report) for file in files)]
        self.names = tuple(sorted({each.name for note in together for each in note.objects}))
        if not self.names:
            raise DataError("has no object: there is nothing to learn", where=chosen.notes)
        self.category_ids = tuple(range(1, len(self.names) + 1))
        boxes = VocBoxes(together, units)
        finder = PathFinder(chosen.images)
        self._paths = [image_of(finder, note) for note in notes]
        finder.require(len(notes), where=folder)
        self.adjusted = _adjusted(boxes, chosen.notes) | finder.found
        self._records = [self._record(at, boxes.of(note, report), note) for at, note in enumerate(notes)]
        self.dropped = report.dropped

    @classmethod
    def recognises(cls, spec: str) -> bool:
        """Whether it is a folder with annotations of VOC, and none of COCO's."""
        if not os.path.isdir(spec) or any(Path(spec, "annotations").glob("instances_*.json")):
            return False
        return bool(find_voc(Path(spec)))

    @classmethod
    def from_spec(cls, spec: str, *, split: str, seed: int = 0) -> VocFolder:
        """Open a folder."""
        return cls(Path(spec), split=split)

    @classmethod
    def in_units(cls, spec: str, *, split: str, units: BoxUnits) -> VocFolder:
        """Open it with boxes in other units than the format's."""
        return cls(Path(spec), split=split, units=units)

    @classmethod
    def splits(cls, spec: str) -> tuple[str, ...]:
        """The splits that a folder has."""
        return tuple(find_voc(Path(spec)))

    def __len__(self) -> int:
        """Return the number of images in the list."""
        return len(self._records)

    def record(self, index: int) -> Record:
        """Return what the annotation file says of one image."""
        return self._records[index]

    def path(self, index: int) -> Path:
        """Return where an image is."""
        return self._paths[index]

    def pixels(self, index: int) -> np.ndarray:
        """Decode one image."""
        return self.cache(self._paths[index], read_image)

    def _record(self, index: int, boxes: Sequence[VocBox], note: VocAnnotation) -> Record:
        width, height = note.size or image_size(self._paths[index])[::-1]
        return Record(
            image_id=index + 1,
            width=width,
            height=height,
            boxes_xywh=np.array([each.box for each in boxes], np.float64).reshape(-1, 4),
            labels=np.array([self.names.index(each.name) for each in boxes], np.int64),
            crowd=np.array([each.difficult for each in boxes], bool),
            name=self._paths[index].name,
        )


def _read(file: Path, findings: FirstError) -> VocAnnotation:
    note = read_annotation(file, findings)
    assert note is not None, "an error is raised"
    return note


def _adjusted(boxes: VocBoxes, where: Path) -> dict[str, int]:
    """How the corners are read, where not as VOC's, with the number of boxes.

    Raises: DataError: when they are surely in other units.
    """
    found: dict[str, int] = {}
    if boxes.verdict:
        message = boxes.verdict.message(VOC_UNITS, to="coco")
        if boxes.verdict.sure:
            raise DataError(message, where=where)
        found[message] = boxes.verdict.boxes
    if boxes.offsets != FROM_ONE:
        found[NOTES[boxes.offsets]] = boxes.total
    return found
