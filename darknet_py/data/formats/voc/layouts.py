"""Where a folder of Pascal VOC has its annotations, images and lists.

| layout                                                          | written by                         |
|-----------------------------------------------------------------|------------------------------------|
| `Annotations/`, `JPEGImages/`, `ImageSets/Main/train.txt`       | VOC, CVAT, Label Studio            |
| the same without lists, or `annotations/` and `images/`         | labelImg, and many published sets  |
| `annotations/train/` and `images/train/`, or `train/` with both | published sets                     |
| `train/` with XML files next to their images, or one folder     | Roboflow, labelImg                 |

A folder around it (VOCdevkit, with one VOC2007 inside) is looked through.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from darknet_py.data.findings import Findings
from darknet_py.data.formats.splits import ALL, ordered, split_of
from darknet_py.data.formats.text_lines import numbered_lines
from darknet_py.data.formats.voc.annotation import VocAnnotation
from darknet_py.data.images.kinds import SUFFIXES
from darknet_py.data.images.locate import PathFinder, path_parts
from darknet_py.errors import quoted

NOTES = ("annotations", "annotation", "xml", "xmls", "labels", "label")
IMAGES = ("jpegimages", "images", "image", "imgs", "img")
LISTS = {"train": ("train", "trainval"), "val": ("val", "valid", "test"), "test": ("test",)}
_YEAR = re.compile(r"VOC\d{4}", re.IGNORECASE)
MOST_FOLDERS = 50  # of a folder around the data, looked into


class VocSplit(NamedTuple):
    """The annotation files of a split, the folder of their images, and the list or folder that names them."""

    notes: Path
    images: Path
    file: Path

    def files(self, findings: Findings) -> list[Path]:
        """The annotation files of the split."""
        if self.file == self.notes:
            stems = sorted(name[:-4] for name in os.listdir(self.notes) if _is_xml(name))
        else:
            lines = numbered_lines(self.file, findings, paths=True) or ()
            stems = [_stem(line) for _, line in lines if line.strip()]
        if not stems:
            findings.add("no-images", "lists no image", self.file)
        return [self.notes / f"{stem}.xml" for stem in stems]


def find_voc(folder: Path) -> dict[str, VocSplit]:
    """Find the splits of a folder; none where it has no annotations of VOC."""
    return _find_in(folder) or _only_inside(folder)


def _find_in(folder: Path) -> dict[str, VocSplit]:
    notes, images = _entry(folder, NOTES), _entry(folder, IMAGES)
    if notes and images and _has_xml(notes):
        return _listed(folder, notes, images)
    pairs = _pairs(folder, notes, images)
    found = {split: VocSplit(*pair, pair[0]) for split, pair in pairs if _has_xml(pair[0])}
    if not found and _has_xml(folder) and _has_pair(folder):
        found = {ALL: VocSplit(folder, folder, folder)}
    return {split: found[split] for split in ordered(found)}


def _listed(folder: Path, notes: Path, images: Path) -> dict[str, VocSplit]:
    """The splits that `ImageSets/Main` lists; without any list, all annotations."""
    main = folder / "ImageSets" / "Main"
    files = {
        split: next((main / f"{name}.txt" for name in names if (main / f"{name}.txt").is_file()), None)
        for split, names in LISTS.items()
    }
    if files["val"] == files["test"]:
        files["test"] = None  # one list is one split
    found = {split: VocSplit(notes, images, file) for split, file in files.items() if file}
    return found or {ALL: VocSplit(notes, images, notes)}


def _pairs(folder: Path, notes: Path | None, images: Path | None) -> Iterator[tuple[str, tuple[Path, Path]]]:
    """Folders of annotations and of images for each split, in any layout that divides by folders."""
    for home in _folders(folder):
        split = split_of(home.name)
        if split:
            inner_notes, inner_images = _entry(home, NOTES), _entry(home, IMAGES)
            if inner_notes and inner_images:
                yield split, (inner_notes, inner_images)
            elif _has_pair(home):
                yield split, (home, home)
    if notes and images:
        for home in _folders(notes):
            split = split_of(home.name)
            if split and (images / home.name).is_dir():
                yield split, (home, images / home.name)


def _only_inside(folder: Path) -> dict[str, VocSplit]:
    """The splits of the only folder inside, up to two levels down, that VOC's two folders are in.

    It has the name of a year of VOC, whose kit has other folders, or there is no other folder.
    """
    inside = _folders(folder)
    levels = [inside, *(_folders(home) for home in inside[:MOST_FOLDERS])]
    found = [
        (home, len(level) == 1 and len(inside) == 1)
        for level in levels
        for home in level
        if (home / "Annotations").is_dir() and (home / "JPEGImages").is_dir()
    ]
    if len(found) != 1:
        return {}
    home, alone = found[0]
    return _find_in(home) if alone or _YEAR.fullmatch(home.name) else {}


def image_of(finder: PathFinder, note: VocAnnotation) -> Path:
    """The image of an annotation: what it names, else the one of the same stem.

    Args:
        finder: of the folder of images.
    """
    images, written, stem = finder.base, note.file_name, note.file.stem
    if written and written == Path(written).name and (images / written).is_file():
        return images / written
    found = [path for path in (images / f"{stem}{suffix}" for suffix in SUFFIXES) if path.is_file()]
    if len(found) > 1:
        names = " and ".join(f"`{quoted(path.name)}`" for path in found[:2])
        finder.found[f"annotation file with several images, such as {names}; the first is read"] += 1
    parts = path_parts(written)
    plain = images.joinpath(*parts) if len(parts) > 1 else images / f"{stem}.jpg"
    return found[0] if found else finder.find(written or plain.name, [plain])


def _stem(line: str) -> str:
    """The stem in a line of a list, which may go on with a flag, or have the suffix of the image."""
    words = line.split()
    name = words[0] if len(words) == 2 and words[1] in ("1", "-1", "0") else line.strip()
    return name[: name.rindex(".")] if name.lower().endswith(SUFFIXES) else name


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(Path(entry.path) for entry in os.scandir(folder) if entry.is_dir())
    except OSError:
        return []


def _entry(folder: Path, names: tuple[str, ...]) -> Path | None:
    """The folder inside that has one of these names, whatever their case."""
    there = {home.name.casefold(): home for home in reversed(_folders(folder))}
    return next((there[name] for name in names if name in there), None)


def _has_xml(folder: Path) -> bool:
    return next(_xml_names(folder), None) is not None


def _has_pair(folder: Path) -> bool:
    """Whether an annotation file lies next to its image."""
    name = next(_xml_names(folder), None)
    suffixes = (each for suffix in SUFFIXES for each in (suffix, suffix.upper()))
    return name is not None and any((folder / f"{name[:-4]}{suffix}").is_file() for suffix in suffixes)


def _xml_names(folder: Path) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            yield from (entry.name for entry in entries if _is_xml(entry.name))
    except OSError:
        return


def _is_xml(name: str) -> bool:
    return name.lower().endswith(".xml") and not name.startswith(".")
