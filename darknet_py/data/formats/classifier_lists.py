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

from pathlib import Path

from darknet_py.data.dataset import SPLITS
from darknet_py.data.formats.darknet_lists import DarknetLists, entries_of, lines_of, needed, resolve
from darknet_py.data.formats.labelled import LabelledFiles
from darknet_py.data.images.read import require_files
from darknet_py.errors import DataError, quoted

MOST_ERRORS = 3  # told in full


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
        entries = entries_of(file)
        labels = _words(resolve(needed(entries, "labels", file), file))
        names = _words(resolve(entries["names"], file)) if "names" in entries else labels
        if len(names) != len(labels):
            raise DataError(f"has {len(labels)} labels and {len(names)} names", where=file)
        if "classes" in entries and entries["classes"] != str(len(labels)):
            raise DataError(f"classes = {quoted(entries['classes'])}, and {len(labels)} labels", where=file)
        images = resolve(needed(entries, "train" if split == "train" else "valid", file), file)
        lines = lines_of(images)
        if not lines:
            raise DataError("lists no image", where=images)
        files = [(resolve(line, file), _label(line, labels)) for _, line in lines]
        _refuse_unlabelled(lines, files, labels, images)
        require_files([path for path, _ in files], where=images)
        super().__init__(names, files, [line for _, line in lines])

    @classmethod
    def recognises(cls, spec: str) -> bool:
        """Whether it is a `.data` file with `labels`."""
        try:
            return DarknetLists.recognises(spec) and "labels" in entries_of(Path(spec))
        except DataError:  # which is raised again where the file is opened
            return False

    @classmethod
    def from_spec(cls, spec: str, *, split: str, seed: int = 0) -> ClassifierLists:
        """Open a `.data` file."""
        return cls(Path(spec), split=split)


def _words(file: Path) -> tuple[str, ...]:
    words = tuple(line for _, line in lines_of(file))
    if len(set(words)) < len(words) or not words:
        raise DataError("must name each class once, a line each", where=file)
    return words


def _label(line: str, labels: tuple[str, ...]) -> int:
    """The one label in a path, or -1."""
    found = [number for number, label in enumerate(labels) if label in line]
    return found[0] if len(found) == 1 else -1


def _refuse_unlabelled(
    lines: list[tuple[int, str]], files: list[tuple[Path, int]], labels: tuple[str, ...], where: Path
) -> None:
    bad = [(at, line) for (at, line), (_, label) in zip(lines, files, strict=True) if label < 0]
    if not bad:
        return
    told = [f"{quoted(where)}:{at}: {_why(line, labels)}" for at, line in bad[:MOST_ERRORS]]
    more = f"\nand {len(bad) - MOST_ERRORS} more lines" if len(bad) > MOST_ERRORS else ""
    hint = "the label is looked for anywhere in the path: `cat` also stands in `catfish`"
    newline = "\n"
    raise DataError(f"has images without one label\n{newline.join(told)}{more}", where=where, hint=hint)


def _why(line: str, labels: tuple[str, ...]) -> str:
    found = [label for label in labels if label in line]
    words = " and ".join(f"`{quoted(label)}`" for label in found[:MOST_ERRORS]) or "no label"
    return f"`{quoted(line)}` holds {words}"
