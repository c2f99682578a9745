"""The formats of data sets: how `--data` names each, how it is recognised, and how it is opened.

Listing the formats loads neither numpy nor torch; the reader of a format is imported to recognise it.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from darknet_py.data.formats.splits import ALL
from darknet_py.errors import DataError, MissingSplit, UsageError, quoted

if TYPE_CHECKING:
    from darknet_py.data.dataset import Dataset
    from darknet_py.data.formats.box_units import BoxUnits


class FormatReader(Protocol):
    """What a class of data sets offers to the registry."""

    def recognises(self, spec: str) -> bool:
        """Whether a value of `--data` names a data set of this class."""
        ...

    def from_spec(self, spec: str, *, split: str, seed: int) -> Dataset:
        """Open one split; the seed is that of data which are drawn."""
        ...

    def splits(self, spec: str) -> tuple[str, ...]:
        """The splits that it has, `all` where it is not divided."""
        ...


@runtime_checkable
class BoxReader(FormatReader, Protocol):
    """A reader of files of boxes, which may be in other units than the format's."""

    box_units: BoxUnits

    def in_units(self, spec: str, *, split: str, units: BoxUnits) -> Dataset:
        """Open one split whose boxes are in these units."""
        ...


@dataclass(frozen=True)
class DataFormat:
    """One format of data sets.

    Args:
        name: a word for it.
        help: how `--data` names a data set of this format.
        load: imports its reader.
    """

    name: str
    help: str
    load: Callable[[], FormatReader]


def _coco() -> FormatReader:
    from darknet_py.data.formats.coco.folder import CocoFolder

    return CocoFolder


def _yolo() -> FormatReader:
    from darknet_py.data.formats.darknet.yolo_folder import YoloFolder

    return YoloFolder


def _voc() -> FormatReader:
    from darknet_py.data.formats.voc.folder import VocFolder

    return VocFolder


def _classes() -> FormatReader:
    from darknet_py.data.formats.labelled.base import ClassFolders

    return ClassFolders


def _cifar() -> FormatReader:
    from darknet_py.data.formats.labelled.cifar import Cifar10

    return Cifar10


def _darknet() -> FormatReader:
    from darknet_py.data.formats.darknet.image_lists import DarknetLists

    return DarknetLists


def _classifier() -> FormatReader:
    from darknet_py.data.formats.labelled.classifier_lists import ClassifierLists

    return ClassifierLists


def _scenes() -> FormatReader:
    from darknet_py.data.formats.synthetic.scenes import Scenes

    return Scenes


def _night() -> FormatReader:
    from darknet_py.data.formats.synthetic.night import Night

    return Night


FORMATS = (  # the first that recognises a data set opens it
    DataFormat("scenes", "`scenes`, drawn on the spot (scenes:train=1200,val=300,size=160,seed=0)", _scenes),
    DataFormat("night", "`night`, drawn like them: bright figures on dark ground, easier", _night),
    DataFormat("cifar", "a folder of CIFAR-10's files (cifar-10-batches-py)", _cifar),
    DataFormat(
        "yolo",
        "a YOLO folder (images/train and labels/train, train/images, or train), or its data.yaml",
        _yolo,
    ),
    DataFormat("voc", "a Pascal VOC folder (XML files in Annotations, or next to the images)", _voc),
    DataFormat("classes", "a folder of classes (train/CLASS/*.jpg, val/CLASS/*.jpg)", _classes),
    DataFormat(
        "coco",
        "a COCO folder (annotations/instances_*.json, or train/_annotations.coco.json), or its JSON file",
        _coco,
    ),
    DataFormat("classifier", "a Darknet .data file of a classifier (with `labels =`)", _classifier),
    DataFormat("darknet", "a Darknet .data file, or the folder of one", _darknet),
)
DATA_HELP = f"{', '.join(known.help for known in FORMATS[:0:-1])}, or {FORMATS[0].help}"


def open_data(spec: str, *, split: str, seed: int = 0, boxes: str = "") -> Dataset:
    """Open one split of a data set.

    The word `scenes` always means the built-in scenes; a folder of that name is `./scenes`.

    Args:
        spec: what `--data` takes, in one of `FORMATS`.
        split: "train", "val", or "test" where there is one; for a COCO folder also the exact X of
            `instances_X.json`. Of a data set that is not divided, "train" or "all" is all of it.
        seed: of the scenes, where the spec names none. It is not the seed of a training run.
        boxes: the units of the boxes where they are not the format's, such as "fractions", "corners" or
            "corners,fractions"; `box_units.py` has all words.

    Raises:
        DataError: when the spec is none of these, or what it names cannot be used.
        UsageError: when `boxes` is no unit, or the format has no files of boxes.

    >>> len(open_data("scenes:val=20", split="val"))
    20
    """
    known = format_of(spec)
    reader = known.load()
    if not boxes:
        try:
            return reader.from_spec(spec, split=split, seed=seed)
        except MissingSplit as error:
            if split != "val":
                raise
            hint = (
                f"`darknet-py data split {shlex.quote(spec)} --val 20% -o NEW` divides train in train and val"
            )
            raise MissingSplit(error.message, where=error.where, hint=error.hint or hint) from None
    if not isinstance(reader, BoxReader):
        raise UsageError(f"--boxes {quoted(boxes)}: {known.help} has no files of boxes")
    from darknet_py.data.formats.box_units import units_of

    return reader.in_units(spec, split=split, units=units_of(boxes, reader.box_units))


def format_of(spec: str) -> DataFormat:
    """Recognise the format of a data set.

    Raises: DataError: when it has none, or is a `.data` file that cannot be read.
    """
    known = recognised(spec)
    if known is None and os.path.isdir(spec):
        from darknet_py.data.formats.closest import describe_folder

        message, hint = describe_folder(Path(spec), lambda folder: recognised(str(folder)) is not None)
        raise DataError(message, where=spec, hint=hint)
    if known is None:
        found = "a file" if os.path.exists(spec) else "nothing of that name"
        raise DataError(f"`{quoted(spec)}` is not a data set: found {found}", hint=f"give {DATA_HELP}")
    return known


def recognised(spec: str) -> DataFormat | None:
    """The format of a data set, or None."""
    return next((known for known in FORMATS if known.load().recognises(spec)), None)


def splits_of(spec: str) -> tuple[str, ...]:
    """The splits of a data set, `all` where it is not divided.

    Raises: DataError: when it is none.
    """
    return format_of(spec).load().splits(spec)


def split_to_evaluate(spec: str) -> str:
    """The split that is evaluated where none is named: "val", or "all" of a data set that is not divided.

    Raises: DataError: when it is none.
    """
    return ALL if ALL in splits_of(spec) else "val"
