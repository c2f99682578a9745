"""A folder in the layout of Pascal VOC: `Annotations/*.xml`, `JPEGImages/`, `ImageSets/Main/*.txt`.

VOC counts pixels from 1 and includes the last: `xmin = 1, xmax = 1` is one pixel wide, and becomes x = 0 and
a width of 1. A tree whose boxes count from 0 is read so. A difficult object is one that VOC's own scoring
passes over: it becomes a crowd, which COCO's passes over. Classes are all names that occur, in the order of
the alphabet, as VOC's twenty are.
Everitt et al., "The Pascal Visual Object Classes (VOC) challenge", IJCV 2010.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn
from xml.etree.ElementTree import Element, ParseError, TreeBuilder
from xml.parsers import expat

import numpy as np

from darknet_py.data.dataset import Dataset, Record
from darknet_py.data.findings import FirstError
from darknet_py.data.formats.box_units import VOC_UNITS, BoxUnits, judge_units
from darknet_py.data.formats.text_lines import numbered_lines
from darknet_py.data.formats.voc_corners import FROM_ONE, NOTES, corner_offsets
from darknet_py.data.images.locate import PathFinder, path_parts
from darknet_py.data.images.read import SUFFIXES, read_image
from darknet_py.errors import DataError, MissingSplit, quoted

SETS = {"train": ("train", "trainval"), "val": ("val", "test")}
MOST_BYTES = 16 << 20
MOST_DEPTH = 32
CORNERS = ("xmin", "ymin", "xmax", "ymax")


class VocFolder(Dataset):
    """One split of a VOC folder; image ids count from 1 in the order of the list.

    Args:
        folder: that holds `Annotations` and `JPEGImages`.
        split: "train" (train.txt, else trainval.txt; without lists all images) or "val" (val.txt, test.txt).

    Raises: DataError: when a file is missing, is no XML, or holds a DTD; with file and line.
    """

    def __init__(self, folder: Path, *, split: str, units: BoxUnits | None = None) -> None:
        """Read the list and all annotations of the folder, and see that every image is there."""
        stems = split_stems(folder, split)
        files = {path.stem: path for path in sorted((folder / "Annotations").glob("*.xml"))}
        missing = next((stem for stem in stems if stem not in files), None)
        if missing is not None:
            raise DataError("does not exist", where=folder / "Annotations" / f"{missing}.xml")
        listed = set(stems).union(*(split_stems(folder, other) for other in SETS if has_split(folder, other)))
        notes = {stem: _Note(files[stem]) for stem in sorted(listed & files.keys())}
        self.names = tuple(sorted({name for note in notes.values() for name, *_ in note.objects}))
        if not self.names:
            raise DataError("has no object: there is nothing to learn", where=folder / "Annotations")
        self.category_ids = tuple(range(1, len(self.names) + 1))
        self.dropped, self.adjusted, self._units = {}, {}, units
        self._offsets = FROM_ONE if units else self._judge_corners(folder, notes.values())
        finder = PathFinder(folder / "JPEGImages")
        self._paths = [_image(finder, stem, notes[stem].file_name) for stem in stems]
        finder.require(len(stems), where=folder)
        self.adjusted = {**self.adjusted, **finder.found}
        self._records = [self._record(at, notes[stem]) for at, stem in enumerate(stems)]

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

    def _judge_corners(self, folder: Path, notes: Iterable[_Note]) -> tuple[int, int]:
        """See that all boxes are corners in pixels, and find from where they count.

        Raises: DataError: when they are in other units.
        """
        rows = [(*corners, note.width, note.height) for note in notes for _, corners, _ in note.objects]
        together = np.array(rows, dtype=np.float64)
        corners, sizes = together[:, :4], together[:, 4:]
        verdict = judge_units(corners, sizes, VOC_UNITS)
        if verdict:
            message = verdict.message(VOC_UNITS, to="coco")
            if verdict.sure:
                raise DataError(message, where=folder / "Annotations")
            self.adjusted = {message: verdict.boxes}
        offsets = corner_offsets(corners, sizes)
        if offsets != FROM_ONE:
            self.adjusted = {**self.adjusted, NOTES[offsets]: len(rows)}
        return offsets

    def _box(self, corners: tuple[float, ...], note: _Note) -> tuple[float, ...]:
        """A box from the corner, in pixels."""
        if self._units:
            return tuple(self._units.box_xywh(corners, (note.width, note.height)))
        (left, top, right, bottom), (first, second) = corners, self._offsets
        return left + first, top + first, right - left + second - first, bottom - top + second - first

    def _record(self, index: int, note: _Note) -> Record:
        kept = []
        for name, corners, difficult in note.objects:
            box = self._box(corners, note)
            reason = note.unusable(box)
            if reason:
                self.dropped[reason] = self.dropped.get(reason, 0) + 1
            else:
                kept.append((self.names.index(name), box, difficult))
        return Record(
            image_id=index + 1,
            width=note.width,
            height=note.height,
            boxes_xywh=np.array([box for _, box, _ in kept], np.float64).reshape(-1, 4),
            labels=np.array([label for label, _, _ in kept], np.int64),
            crowd=np.array([difficult for _, _, difficult in kept], bool),
            name=self._paths[index].name,
        )


def is_voc(folder: Path) -> bool:
    """Whether a folder has VOC's annotations and images."""
    return (folder / "JPEGImages").is_dir() and (folder / "Annotations").is_dir()


def has_split(folder: Path, split: str) -> bool:
    """Whether a VOC folder lists a split; without any list, all is train."""
    lists = folder / "ImageSets" / "Main"
    return _list_of(folder, split) is not None or (split == "train" and not lists.is_dir())


def split_stems(folder: Path, split: str) -> list[str]:
    """The images of a split, by the stems of their names.

    Raises: DataError: when there is no such split, or it lists nothing.
    """
    if split not in SETS or not has_split(folder, split):
        raise MissingSplit(f"has no split `{quoted(split)}` in ImageSets/Main", where=folder)
    file = _list_of(folder, split)
    if file is None:
        stems = sorted(path.stem for path in (folder / "Annotations").glob("*.xml"))
    else:
        stems = [
            line.split()[0]
            for _, line in numbered_lines(file, FirstError(), paths=True) or ()
            if line.strip()
        ]
    if not stems:
        raise DataError("lists no image", where=file or folder / "Annotations")
    return stems


def _list_of(folder: Path, split: str) -> Path | None:
    files = (folder / "ImageSets" / "Main" / f"{name}.txt" for name in SETS[split])
    return next((file for file in files if file.is_file()), None)


def _image(finder: PathFinder, stem: str, written: str) -> Path:
    """The image of an annotation: what it names, else the one of the same stem."""
    images = finder.base
    if written and written == Path(written).name and (images / written).is_file():
        return images / written
    found = [path for path in (images / f"{stem}{suffix}" for suffix in SUFFIXES) if path.is_file()]
    if len(found) > 1:
        names = " and ".join(f"`{quoted(path.name)}`" for path in found[:2])
        finder.found[f"annotation file with several images, such as {names}; the first is read"] += 1
    parts = path_parts(written)
    plain = images.joinpath(*parts) if len(parts) > 1 else images / f"{stem}.jpg"
    return found[0] if found else finder.find(written or plain.name, [plain])


class _Note:
    """One annotation file: size, and name, corners and difficulty of each object."""

    def __init__(self, file: Path) -> None:
        self.file = file
        top, self.lines = read_xml(file)
        self.file_name = (top.findtext("filename") or "").strip()
        size = self._child(top, "size")
        self.width, self.height = (
            int(self._number(size, side, 1, 1_000_000)) for side in ("width", "height")
        )
        self.objects = [self._object(element) for element in top.findall("object")]

    def unusable(self, box: tuple[float, ...]) -> str:
        """Why a box cannot be a truth, or ""."""
        x, y, w, h = box
        if w <= 0 or h <= 0:
            return "no width or no height"
        outside = x >= self.width or y >= self.height or x + w <= 0 or y + h <= 0
        return "outside the image" if outside else ""

    def _object(self, element: Element) -> tuple[str, tuple[float, ...], bool]:
        name = (self._child(element, "name").text or "").strip()
        if not name or not name.isprintable():
            self._refuse(element, f"an object is called `{quoted(name)}`")
        corners = self._child(element, "bndbox")
        numbers = tuple(self._number(corners, corner, -1e6, 1e6) for corner in CORNERS)
        return name, numbers, (element.findtext("difficult") or "0").strip() == "1"

    def _child(self, element: Element, tag: str) -> Element:
        child = element.find(tag)
        return self._refuse(element, f"<{element.tag}> has no <{tag}>") if child is None else child

    def _number(self, element: Element, tag: str, least: float, most: float) -> float:
        child = self._child(element, tag)
        try:
            value = float(child.text or "")
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            self._refuse(child, f"<{tag}> is `{quoted(child.text)}`, not a number from {least:g} to {most:g}")
        return value

    def _refuse(self, element: Element, message: str) -> NoReturn:
        raise DataError(message, where=f"{self.file}:{self.lines[element]}")


def read_xml(file: Path) -> tuple[Element, dict[Element, int]]:
    """Read an XML file without DTD or entities; also the line of every element.

    Raises: DataError: when it is no such file.
    """
    builder, lines, depth = TreeBuilder(), {}, 0
    parser = expat.ParserCreate()

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MOST_DEPTH:
            raise DataError(
                f"is nested more than {MOST_DEPTH} deep", where=f"{file}:{parser.CurrentLineNumber}"
            )
        lines[builder.start(tag, attributes)] = parser.CurrentLineNumber

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(tag)

    def refuse(*_: object) -> None:
        raise DataError("has a DTD, which is not read", where=f"{file}:{parser.CurrentLineNumber}")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    try:
        if file.stat().st_size > MOST_BYTES:
            raise DataError(f"has more than {MOST_BYTES} bytes", where=file)
        parser.Parse(file.read_bytes(), True)
        return builder.close(), lines
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=file) from None
    except (expat.ExpatError, ParseError, ValueError) as error:
        raise DataError(f"is not XML: {quoted(error)}", where=file) from None
