"""Darknet's layout for classifiers: a `.data` file with `labels`, and lists of images.

    classes = 10
    train = data/train.list
    valid = data/test.list
    labels = data/labels.txt
    names = data/names.txt

An image is of the class whose label stands anywhere in its path; it must be one label alone. `names` are what
people read, and default to the labels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from darknet_py.data.class_matching import labels_by_name, same_classes
from darknet_py.data.dataset import SPLITS
from darknet_py.data.findings import Findings, FirstError
from darknet_py.data.formats.darknet.data_file import DataFile, ImageList, data_file_of
from darknet_py.data.formats.darknet.image_lists import ACCEPTED, HIDDEN, DarknetLists
from darknet_py.data.formats.labelled.base import LabelledFiles
from darknet_py.data.images.locate import PathFinder
from darknet_py.errors import DataError, quoted

MOST_ERRORS = 3  # printed in full


class ClassifierLists(LabelledFiles):
    """One split of a Darknet classifier's data.

    Args:
        file: the `.data` file.
        split: "train" or "val".

    Raises: DataError: when a file is missing, or an image has no label or two.
    """

    def __init__(self, file: Path, *, split: str) -> None:
        """Read the lists, and label every line."""
        if split not in SPLITS:
            raise DataError(f"has no split `{quoted(split)}`; it has {' and '.join(SPLITS)}", where=file)
        data, found = DataFile(data_file_of(file), FirstError(accepted=(*ACCEPTED, "blank-name"))), Findings()
        labels, names = read_classes(data)
        listed = data.images(split)
        classes = image_classes(listed, labels, found)
        if found.all:
            lines = [f"{finding.place}: {finding.message}" for finding in found.all[:MOST_ERRORS]]
            more = f"\nand {len(found.all) - MOST_ERRORS} more lines" if len(found.all) > MOST_ERRORS else ""
            raise DataError(
                f"has images without one label\n{chr(10).join(lines)}{more}",
                where=listed.file,
                hint="the label is looked for anywhere in the path: `cat` also stands in `catfish`",
            )
        finder = PathFinder(file.parent, (file.parent, listed.file.parent))
        paths = [finder.find(line.written, [line.path]) for line in listed.paths]
        finder.require(len(paths), where=listed.file)
        files = list(zip(paths, classes, strict=True))
        label_of = labels_by_name(labels, names)
        if same_classes(labels, names) and label_of != tuple(range(len(labels))):  # else line by line
            names = [names[label_of.index(label)] for label in range(len(labels))]
            note = f"{file}: `names` lists the classes in another order than `labels`: matched by name"
            self.notes = (note,)
        super().__init__(tuple(names), files, [line.written for line in listed.paths])
        self.dropped, self.adjusted = +Counter({HIDDEN: listed.hidden}), finder.found

    @classmethod
    def recognises(cls, spec: str) -> bool:
        """Whether it is a `.data` file with `labels`."""
        file = data_file_of(Path(spec))
        return DarknetLists.recognises(spec) and "labels" in DataFile(file, Findings()).entries

    @classmethod
    def from_spec(cls, spec: str, *, split: str, seed: int = 0) -> ClassifierLists:
        """Open a `.data` file."""
        return cls(Path(spec), split=split)


def read_classes(data: DataFile) -> tuple[list[str], list[str]]:
    """Read what stands in the paths of each class, and what people read, which defaults to it."""
    labels = [word for word in data.words("labels") if word]
    names = [word for word in data.words("names") if word] if "names" in data.entries else labels
    if labels and len(names) != len(labels):
        data.findings.add("names-count", f"has {len(labels)} labels and {len(names)} names", data.file)
    if "classes" in data.entries:
        data.count_of(data.entries["classes"], labels, "labels")
    return labels, names


def image_classes(images: ImageList, labels: Sequence[str], findings: Findings) -> list[int]:
    """The class of each image, by the one label in its path; -1 where it holds none, or several."""
    classes = []
    for line in images.paths:
        found = [number for number, label in enumerate(labels) if label in line.written]
        classes.append(found[0] if len(found) == 1 else -1)
        if labels and len(found) != 1:
            words = " and ".join(f"`{quoted(labels[number])}`" for number in found[:3]) or "no label"
            message = f"`{quoted(line.written)}` holds {words}"
            findings.add("label-in-path", message, images.file, line.line, line.column)
    return classes
