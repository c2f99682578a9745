"""Where a folder of label files has the images of each split.

| layout                                               | written by                                  |
|------------------------------------------------------|---------------------------------------------|
| what `data.yaml` says                                | Ultralytics, Roboflow (YOLOv5 and later)    |
| `images/train/` and `labels/train/`                  | COCO's tools, Ultralytics                   |
| `train/images/` and `train/labels/`                  | Roboflow                                    |
| `train/` with label files next to the images         | Roboflow (Darknet)                          |
| `images/` and `labels/`, not divided                 | Label Studio, CVAT                          |
| `train.txt` and `val.txt`, lists of images           | CVAT, AlexeyAB's Darknet                    |
| one folder with images and label files, not divided  | labelImg                                    |

Splits may be called `valid` or `validation` too.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from darknet_py.data.findings import Findings
from darknet_py.data.formats.darknet.data_file import resolve
from darknet_py.data.formats.darknet.data_yaml import DataYaml, read_data_yaml
from darknet_py.data.formats.darknet.label_files import label_places
from darknet_py.data.formats.darknet.moved_paths import end_inside
from darknet_py.data.formats.darknet.names_files import data_yaml_of
from darknet_py.data.formats.splits import ALL, WORDS, ordered, split_of
from darknet_py.data.formats.text_lines import numbered_lines
from darknet_py.data.images.kinds import SUFFIXES
from darknet_py.data.images.listing import is_hidden, is_image_name, list_images
from darknet_py.errors import quoted

IMAGE_FOLDERS = ("images", "imgs", "img", "obj_train_data")
FIRST = 200  # images of a folder whose labels are looked for
_LABEL = re.compile(rb"\s*\d+(\s+[\d.eE+-]+){4}")


class YoloSplit(NamedTuple):
    """Folders of images and lists of them, whether folders inside are entered, and what they stand for."""

    sources: tuple[Path, ...]
    deep: bool = True
    instead_of: str = ""


class YoloLayout(NamedTuple):
    """The folder that images are named from, its splits, the description in YAML, and what is to be known."""

    root: Path
    splits: dict[str, YoloSplit]
    yaml: DataYaml | None = None
    notes: tuple[str, ...] = ()

    @property
    def sources(self) -> list[Path]:
        """All folders of images."""
        return [source for split in self.splits.values() for source in split.sources if source.is_dir()]


def find_yolo(place: Path) -> YoloLayout | None:
    """Find the layout of a folder or a `data.yaml`; None where it is no such data set."""
    if place.suffix.lower() in (".yaml", ".yml"):
        return _described(place.parent, place) if place.is_file() else None
    if not place.is_dir() or any((place / "annotations").glob("instances_*.json")):
        return None
    yaml = data_yaml_of(place)
    described = _described(place, yaml) if yaml else None
    if described and described.splits:
        return described
    splits = _split_folders(place)
    if not splits and not any(place.glob("*.data")):
        splits = _lists(place) or _undivided(place)
    return YoloLayout(place, splits) if splits else None


def _described(folder: Path, file: Path) -> YoloLayout:
    """The layout that a data.yaml describes; for a path that is not there, the folder of that split."""
    yaml = read_data_yaml(file, Findings())
    usual, found, notes = _split_folders(folder), dict[str, YoloSplit](), list[str]()
    for split in WORDS:
        written = yaml.paths(split)
        places = [_there(path, yaml) for path in written]
        if written and all(places):
            found[split] = YoloSplit(tuple(place for place in places if place))
        elif split in usual and (written or "train" not in yaml.values):
            shown = usual[split].sources[0].relative_to(folder).as_posix()
            missing = [
                f"image of {shown}, for `{split}: {quoted(path)}` is not there" for path in written[:1]
            ]
            found[split] = usual[split]._replace(instead_of="".join(missing))
        elif written:
            notes.append(f"`{split}: {quoted(written[0])}` of {file.name} is not there")
    if not found and not yaml.paths("train"):
        found = _undivided(folder)
    if notes and "download" in yaml.ignored:
        notes.append(f"`download:` of {file.name} is not executed")
    return YoloLayout(folder, found, yaml, tuple(notes))


def _there(written: str, yaml: DataYaml) -> Path | None:
    """Where a path of a data.yaml is: from its `path` or its own folder, or its end inside of the latter.

    Roboflow writes `../train/images` for a folder next to the file, CVAT `data/images/train`.
    """
    home = yaml.file.parent
    places = (place for place in (yaml.root / written, home / written) if place.exists())
    found = next(places, None) or end_inside(written, home)
    return Path(os.path.normpath(found)) if found else None


def _split_folders(folder: Path) -> dict[str, YoloSplit]:
    """Folders of splits, in `images/` or with `images/` inside or with labels next to the images."""
    found: dict[str, YoloSplit] = {}
    for home in (folder / "images", folder):
        for inner in _folders(home):
            split = split_of(inner.name)
            if split is None or split in found:
                continue
            images = inner if home != folder else inner / "images"
            if not images.is_dir():
                images = inner
            if _has_label_folder(folder, images) or _has_labels(folder, images):
                found[split] = YoloSplit((images,))
    if not found.keys() & {"train", "val"}:
        return {}
    for split, words in WORDS.items():  # a split without labels is read, as one without boxes
        places = (place for word in words for place in (folder / "images" / word, folder / word / "images"))
        there = next((place for place in places if place.is_dir()), None)
        if there and split not in found:
            found[split] = YoloSplit((there,))
    return {split: found[split] for split in ordered(found)}


def _undivided(folder: Path) -> dict[str, YoloSplit]:
    """A folder of images with labels next to it or in it; or the folder itself."""
    for name in IMAGE_FOLDERS:
        images = folder / name
        if images.is_dir() and (_has_label_folder(folder, images) or _has_labels(folder, images)):
            return {ALL: YoloSplit((images,))}
    return {ALL: YoloSplit((folder,), deep=False)} if _has_labels(folder, folder, deep=False) else {}


def _lists(folder: Path) -> dict[str, YoloSplit]:
    """Text files that are called as splits and list images."""
    found: dict[str, YoloSplit] = {}
    for file in sorted(folder.glob("*.txt")):
        split = split_of(file.stem)
        if split and split not in found and _is_list(file):
            found[split] = YoloSplit((file,))
    return {split: found[split] for split in ordered(found)}


def _is_list(file: Path) -> bool:
    with file.open("rb") as stream:
        line = stream.readline(4096).decode("utf-8", "replace").strip()
    return line.lower().endswith(SUFFIXES)


def images_of(
    layout: YoloLayout, split: YoloSplit, findings: Findings
) -> tuple[list[tuple[str, Path]], Counter[str]]:
    """The images of a split, as they are called and where they are; and the other files, by their endings."""
    found, others = list[tuple[str, Path]](), Counter[str]()
    for source in split.sources:
        if source.is_dir():
            listing = list_images(source, inside=split.deep)
            found += [(name_from(path, layout.root), path) for path in listing.images]
            others += listing.others
        else:
            lines = [line.strip() for _, line in numbered_lines(source, findings, paths=True) or ()]
            found += [(line, resolve(line, source)) for line in lines if line]
    return found, others


def name_from(path: Path, root: Path) -> str:
    """What an image is called: its path from the folder of the data set."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def _images(folder: Path, *, deep: bool) -> Iterator[Path]:
    for at, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if deep and not is_hidden(name)]
        yield from (Path(at, name) for name in names if is_image_name(name))


def _has_label_folder(folder: Path, images: Path) -> bool:
    labels = images.relative_to(folder).as_posix().replace("images", "labels", 1)
    return labels != images.relative_to(folder).as_posix() and (folder / labels).is_dir()


def _has_labels(folder: Path, images: Path, *, deep: bool = True) -> bool:
    """Whether one of the first images has a label file."""
    for path in islice(_images(images, deep=deep), FIRST):
        for place in label_places(name_from(path, folder), path):
            try:
                with place.open("rb") as stream:
                    if _LABEL.match(stream.readline(1000)):
                        return True
            except OSError:
                continue
    return False


def _folders(folder: Path) -> list[Path]:
    """Folders inside; those that are called exactly `train` or `val` come first."""
    try:
        inside = sorted(Path(entry.path) for entry in os.scandir(folder) if entry.is_dir())
    except OSError:
        return []
    return sorted(inside, key=lambda path: path.name not in WORDS)
