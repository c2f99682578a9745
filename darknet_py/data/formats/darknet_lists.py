"""Darknet's own layout: a `.data` file, lists of images, and a label file for each image.

    classes = 2
    train = data/train.txt
    valid = data/val.txt
    names = data/obj.names

A path is looked up from the current folder, as Darknet does, and then from the folder of the `.data` file.
The labels of `images/train2017/7.jpg` are in `labels/train2017/7.txt`, those of any other image beside it
(AlexeyAB), or where `images`, `JPEGImages` or `raw` in its path becomes `labels` (pjreddie). Darknet stops
reading a label file at the first line it does not understand; here such a line is refused, with its number.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path

import numpy as np

from darknet_py.data.dataset import SPLITS, Dataset, Record
from darknet_py.data.images.read import image_size, read_image, require_files
from darknet_py.errors import DataError, quoted

MOST_BYTES = 64 << 20  # a list of a million images has 40 MB
NO_LABELS = "image without a label file"
KEYS = ("classes", "train", "valid", "names")
SLACK = 1e-4  # of a side: what tools that write six digits are off by

NUMBER_TEXT = re.compile(r"-?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_ALEXEYAB = (
    *((f"/images/{name}/", f"/labels/{name}/") for name in ("train2017", "val2017", "train2014", "val2014")),
    ("/JPEGImages/", "/labels/"),
)
_PJREDDIE = (("images", "labels"), ("JPEGImages", "labels"), ("raw", "labels"))


class DarknetLists(Dataset):
    """One split of a Darknet data set; image ids and category ids count from 1.

    Labels are read and checked at once, the sizes of the images when they are first asked for.

    Args:
        file: the `.data` file; `classes`, `names`, and `train` or `valid` are read from it.
        split: "train" or "val".

    Raises: DataError: when a file is missing or cannot be understood; label errors are collected.
    """

    def __init__(self, file: Path, *, split: str) -> None:
        """Read the lists and all label files, and see that every image is there."""
        if split not in SPLITS:
            raise DataError(f"has no split `{quoted(split)}`; it has {' and '.join(SPLITS)}", where=file)
        entries = entries_of(file)
        self.names = _names(file, entries)
        self.category_ids = tuple(range(1, len(self.names) + 1))
        self.dropped = {}
        images = resolve(needed(entries, "train" if split == "train" else "valid", file), file)
        self._written = [line for _, line in lines_of(images)]
        if not self._written:
            raise DataError("lists no image", where=images)
        self._paths = [resolve(line, file) for line in self._written]
        require_files(self._paths, where=images)
        self._labels = self._read_labels(images)
        self._sizes: dict[int, tuple[int, int]] = {}

    @classmethod
    def recognises(cls, spec: str) -> bool:
        """Whether it is a `.data` file."""
        return spec.endswith(".data") and not os.path.isdir(spec)

    @classmethod
    def from_spec(cls, spec: str, *, split: str, seed: int = 0) -> DarknetLists:
        """Open a `.data` file."""
        return cls(Path(spec), split=split)

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

    def path(self, index: int) -> Path:
        """Return where an image is."""
        return self._paths[index]

    def pixels(self, index: int) -> np.ndarray:
        """Decode one image."""
        return self.cache(self._paths[index], read_image)

    def _read_labels(self, images: Path) -> list[np.ndarray]:
        errors: list[str] = []
        without = Counter[str]()
        read = []
        for written, path in zip(self._written, self._paths, strict=True):
            labels = _label_file(written, path)
            if labels is None:
                without[NO_LABELS] += 1
                read.append(np.zeros((0, 5)))
            else:
                read.append(_boxes(labels, classes=len(self.names), dropped=without, errors=errors))
        if errors:
            more = f"\nand {len(errors) - 3} more lines" if len(errors) > 3 else ""
            raise DataError(f"labels cannot be used\n{chr(10).join(errors[:3])}{more}", where=images)
        if without[NO_LABELS] == len(read):
            first = label_places(self._written[0], self._paths[0])[0]
            raise DataError(
                f"none of its {len(read)} images has a label file",
                where=images,
                hint=f"the first was looked for at {quoted(first)}",
            )
        self.dropped.update(+without)
        return read


def lines_of(file: Path) -> list[tuple[int, str]]:
    """Return the lines that are not blank, trimmed, with their numbers."""
    return [(at, line.strip()) for at, line in enumerate(_text(file).split("\n"), start=1) if line.strip()]


def _text(file: Path) -> str:
    """Read a text file; a byte order mark and carriage returns are not part of its lines."""
    try:
        if not file.is_file():
            raise DataError("is a folder" if file.is_dir() else "does not exist", where=file)
        if file.stat().st_size > MOST_BYTES:
            raise DataError(f"has {file.stat().st_size} bytes; at most {MOST_BYTES} are read", where=file)
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"is not UTF-8 at byte {error.start}", where=file) from None
    except (OSError, ValueError) as error:
        raise DataError(f"cannot be read: {quoted(error)}", where=file) from None
    if "\0" in text:
        raise DataError(f"is not text: it has a NUL at character {text.index(chr(0))}", where=file)
    return text.replace("\r\n", "\n")


def entries_of(file: Path) -> dict[str, str]:
    """Read `key = value` lines; keys that are not ours (backup, eval, ...) are read and not used."""
    entries: dict[str, str] = {}
    for at, line in lines_of(file):
        if line[0] in "#;":
            continue
        key, equals, value = (part.strip() for part in line.partition("="))
        if not (key and equals and value):
            raise DataError(f"`{quoted(line)}` is not `key = value`", where=f"{file}:{at}")
        if key in entries:
            raise DataError(f"`{quoted(key)}` is given twice", where=f"{file}:{at}")
        entries[key] = value
    return entries


def needed(entries: dict[str, str], key: str, file: Path) -> str:
    """Return the value of a key.

    Raises: DataError: when the file has no such key.
    """
    if key not in entries:
        present = quoted(", ".join(entries)) or "nothing"
        raise DataError(
            f"`{key} =` is missing; found {present}", where=file, hint=f"needed: {', '.join(KEYS)}"
        )
    return entries[key]


def resolve(written: str, data_file: Path) -> Path:
    """Look a path up from the current folder, then from that of the `.data` file."""
    here = Path(written)
    return here if os.path.exists(here) else data_file.parent / written


def _names(file: Path, entries: dict[str, str]) -> tuple[str, ...]:
    count = needed(entries, "classes", file)
    if not re.fullmatch(r"[1-9]\d{0,5}", count, re.ASCII):
        raise DataError(f"classes = {quoted(count)} is not a whole number from 1 to 999999", where=file)
    names_file = resolve(needed(entries, "names", file), file)
    names = names_of(names_file)
    if len(names) != int(count):
        raise DataError(f"classes = {count}, but {quoted(names_file)} has {len(names)} names", where=file)
    return names


def names_of(file: Path) -> tuple[str, ...]:
    """Read class names, one a line.

    Raises: DataError: when one is blank or is given twice.
    """
    names = [name.strip() for name in _text(file).rstrip().split("\n")]
    lines: dict[str, int] = {}
    for at, name in enumerate(names, start=1):
        if not name:
            raise DataError("is blank; to Darknet it is a class without a name", where=f"{file}:{at}")
        if lines.setdefault(name, at) != at:
            raise DataError(f"`{quoted(name)}` is the name of line {lines[name]}", where=f"{file}:{at}")
    return tuple(names)


def _label_file(written: str, path: Path) -> Path | None:
    return next((label for label in label_places(written, path) if os.path.isfile(label)), None)


def label_places(written: str, path: Path) -> list[Path]:
    """Return where the labels of an image may be: AlexeyAB's place first, then pjreddie's.

    Args:
        written: the path as the list has it.
        path: where the image was found; it ends as `written` does.
    """
    whole = path.as_posix()
    folder = whole.removesuffix(written)  # what `resolve` put before the path as it is written
    alexeyab, pjreddie = whole, written
    for old, new in _ALEXEYAB:
        alexeyab = alexeyab.replace(old, new)
    for old, new in _PJREDDIE:
        pjreddie = pjreddie.replace(old, new, 1)
    return [Path(place).with_suffix(".txt") for place in (alexeyab, folder + pjreddie)]


def _boxes(file: Path, *, classes: int, dropped: Counter[str], errors: list[str]) -> np.ndarray:
    """Read `class x_centre y_centre width height` lines, fractions of the image: (T, 5)."""
    rows: dict[tuple[float, ...], None] = {}
    for at, line in lines_of(file):
        error = _error(line.split(), classes)
        if error:
            errors.append(f"{quoted(file)}:{at}: {error}")
            continue
        row = tuple(float(word) for word in line.split())
        if min(row[3:]) <= 0:
            dropped["no width or no height"] += 1
        elif row in rows:
            dropped["line given twice"] += 1
        else:
            rows[row] = None
    return np.array(list(rows), dtype=np.float64).reshape(-1, 5)


def _error(words: list[str], classes: int) -> str:
    """Say why a line is not a label, or ""."""
    if len(words) != 5:
        return f"{len(words)} columns, not the 5 of `class x y width height`"
    if not re.fullmatch(r"\d{1,6}", words[0], re.ASCII) or int(words[0]) >= classes:
        return f"class `{quoted(words[0])}` is not a whole number from 0 to {classes - 1}"
    for name, word in zip(("x", "y", "width", "height"), words[1:], strict=True):
        if not NUMBER_TEXT.fullmatch(word):
            return f"{name} `{quoted(word)}` is not a number"
        if not -SLACK <= float(word) <= 1 + SLACK:
            return f"{name} = {quoted(word)} is not a fraction of the image, 0 to 1"
    return ""
