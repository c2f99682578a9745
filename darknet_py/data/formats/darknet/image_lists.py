"""Darknet's own layout: a `.data` file, lists of images, and a label file for each image."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from darknet_py.data.dataset import Dataset, Record
from darknet_py.data.findings import Findings, FirstError
from darknet_py.data.formats.box_units import LABEL_UNITS, BoxUnits
from darknet_py.data.formats.darknet.data_file import SPLIT_KEYS, DataFile, data_file_of
from darknet_py.data.formats.darknet.label_files import label_places, read_labels
from darknet_py.data.formats.darknet.label_lines import Numbers, ReadBox
from darknet_py.data.formats.darknet.label_lookup import LabelLookup
from darknet_py.data.formats.darknet.label_units import as_fractions, judge_labels
from darknet_py.data.formats.splits import choose
from darknet_py.data.images.locate import PathFinder
from darknet_py.data.images.read import image_size, read_image
from darknet_py.data.summary import BoxCounts
from darknet_py.errors import DataError, MissingSplit, quoted

NO_LABELS = "image without a label file"
HIDDEN = "line that names a hidden file"
LEFT_OUT = {"box-without-size": "no width or no height", "duplicate-box": "line given twice"}
ACCEPTED = ("box-outside", "unprintable-name")  # errors of `data check` that a training can do with


class LabelFileDataset(Dataset):
    """Images with a label file each; image ids and category ids count from 1.

    Labels are read and checked at once, the sizes of the images when they are first asked for.

    Args:
        names: of the classes.
        images: each path as it is written, and where it should be.
        where: the list or the folder that errors name.
        units: of the boxes, where they are not Darknet's; reads the headers of all images.
        finder: finds images that are not there; by default in the folder of `where`.

    Raises: DataError: when an image is missing, or labels cannot be used; label errors are collected.
    """

    def __init__(
        self,
        names: Sequence[str],
        images: Sequence[tuple[str, Path]],
        where: Path,
        *,
        units: BoxUnits | None = None,
        finder: PathFinder | None = None,
    ) -> None:
        """Read all label files, and see that every image is there."""
        finder = finder or PathFinder(where if where.is_dir() else where.parent)
        self.names = tuple(names)
        self.category_ids = tuple(range(1, len(self.names) + 1))
        self._written = [written for written, _ in images]
        self._paths = [finder.find(written, [path]) for written, path in images]
        finder.require(len(images), where=where)
        lookup = LabelLookup()
        files = [
            lookup.find(written if path == place else os.path.relpath(path, finder.base), path)
            for (written, place), path in zip(images, self._paths, strict=True)
        ]
        found = Findings(adjusted=finder.found + lookup.adjusted)
        self._labels, self.dropped = _read_all(self._paths, files, len(self.names), where, found, units)
        self.dropped |= lookup.left_out()
        self.adjusted = found.adjusted
        self._sizes: dict[int, tuple[int, int]] = {}

    def __len__(self) -> int:
        """Return the number of lines in the list of images."""
        return len(self._paths)

    def record(self, index: int) -> Record:
        """Return the boxes of one image in pixels; reads the header of the image."""
        if index not in self._sizes:
            self._sizes[index] = image_size(self._paths[index])
        height, width = self._sizes[index]
        rows = self._labels[index]
        centres, sides = rows[:, 1:3] * (width, height), rows[:, 3:5] * (width, height)
        return Record(
            image_id=index + 1,
            width=width,
            height=height,
            boxes_xywh=np.concatenate([centres - sides / 2, sides], axis=1),
            labels=rows[:, 0].astype(np.int64),
            crowd=np.zeros(len(rows), dtype=bool),
            name=self._written[index],
        )

    def box_counts(self) -> BoxCounts:
        """Count the boxes of all images, whose sizes do not matter."""
        labels = np.concatenate([np.zeros(0), *(rows[:, 0] for rows in self._labels)]).astype(np.int64)
        counts = np.bincount(labels, minlength=len(self.names))
        empty = sum(not len(rows) for rows in self._labels)
        return BoxCounts(tuple(counts.tolist()), images_without_boxes=empty)

    def map_labels(self, table: np.ndarray) -> None:
        """Change the labels of all rows."""
        self._labels = [
            np.column_stack([table[rows[:, 0].astype(np.int64)], rows[:, 1:]]) for rows in self._labels
        ]

    def path(self, index: int) -> Path:
        """Return where an image is."""
        return self._paths[index]

    def pixels(self, index: int) -> np.ndarray:
        """Decode one image."""
        return self.cache(self._paths[index], read_image)


class DarknetLists(LabelFileDataset):
    """One split of a Darknet data set.

    Args:
        file: the `.data` file, or a folder with one; read are `classes`, `names`, and the list of the split.
        split: "train", "val" or "test"; without `valid =`, it is not divided, and "train" is all of it.

    Raises: DataError: when a file is missing or cannot be understood.
    """

    box_units = LABEL_UNITS

    def __init__(self, file: Path, *, split: str, units: BoxUnits | None = None) -> None:
        """Read the names, the list, and all label files."""
        file = data_file_of(file)
        data = DataFile(file, FirstError(accepted=ACCEPTED))
        names, splits = data.names(), data.splits
        if not splits:
            message = f"`{SPLIT_KEYS[split]} =` is missing; found {quoted(', '.join(data.entries))}"
            raise MissingSplit(message, where=file)
        found = choose(splits, split, where=file, expected="`train =` and `valid =`")
        listed = data.images(found)
        finder = PathFinder(file.parent, (file.parent, listed.file.parent))
        images = [(line.written, line.path) for line in listed.paths]
        super().__init__(names, images, listed.file, units=units, finder=finder)
        self.dropped |= +Counter({HIDDEN: listed.hidden})

    @classmethod
    def recognises(cls, spec: str) -> bool:
        """Whether it is a `.data` file, or a folder with one."""
        file = data_file_of(Path(spec))
        return file.suffix == ".data" and not file.is_dir()

    @classmethod
    def from_spec(cls, spec: str, *, split: str, seed: int = 0) -> DarknetLists:
        """Open a `.data` file."""
        return cls(Path(spec), split=split)

    @classmethod
    def in_units(cls, spec: str, *, split: str, units: BoxUnits) -> DarknetLists:
        """Open it with boxes in other units than the format's."""
        return cls(Path(spec), split=split, units=units)

    @classmethod
    def splits(cls, spec: str) -> tuple[str, ...]:
        """The splits that a `.data` file has."""
        return tuple(DataFile(data_file_of(Path(spec)), Findings()).splits)


def _read_all(
    paths: Sequence[Path],
    files: Sequence[Path | None],
    classes: int,
    where: Path,
    found: Findings,
    units: BoxUnits | None,
) -> tuple[list[np.ndarray], dict[str, int]]:
    """Read the label files: (T, 5) rows of each image, and what was left out."""
    read: list[np.ndarray] = []
    beyond: list[list[Numbers]] = []
    for path, file in zip(paths, files, strict=True):
        beyond.append([])
        box = _reader(path, units) if units and file else None
        rows = read_labels(file, classes, found, beyond=beyond[-1], read=box) if file else []
        read.append(np.array(rows, dtype=np.float64).reshape(-1, 5))
    verdict = None if units else judge_labels(paths, read, beyond)
    if verdict and verdict.sure:
        raise DataError(verdict.message(LABEL_UNITS, to="darknet"), where=where)
    if verdict:
        found.adjusted[verdict.message(LABEL_UNITS, to="darknet")] += verdict.boxes
    report = FirstError(LEFT_OUT, ACCEPTED)
    errors = [f"{finding.place}: {finding.message}" for finding in found.all if report.wants(finding.code)]
    if errors:
        more = f"\nand {len(errors) - 3} more lines" if len(errors) > 3 else ""
        raise DataError(f"labels cannot be used\n{chr(10).join(errors[:3])}{more}", where=where)
    if not any(files):
        first = label_places(str(paths[0]), paths[0])[0]
        raise DataError(
            f"none of its {len(read)} images has a label file",
            where=where,
            hint=f"the first was looked for at {quoted(first)}",
        )
    reasons = Counter(LEFT_OUT[finding.code] for finding in found.all if finding.code in LEFT_OUT)
    return read, dict(+Counter({NO_LABELS: files.count(None)}) + reasons)


def _reader(path: Path, units: BoxUnits) -> ReadBox:
    """What reads the boxes of one image in other units; reads the header of the image."""
    height, width = image_size(path)
    return partial(as_fractions, units=units, size=(width, height))
