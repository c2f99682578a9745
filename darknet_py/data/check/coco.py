"""A COCO folder: every row of its annotation files against what a row must be."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

from darknet_py.data.check.boxes import box_damage
from darknet_py.data.check.findings import Findings, Listed
from darknet_py.data.check.json_places import TABLES, JsonPlaces, read_places
from darknet_py.data.check.names import check_names, without_boxes
from darknet_py.data.dataset import SPLITS
from darknet_py.data.formats.coco import annotation_file, image_folder, is_inside
from darknet_py.errors import DataError, quoted
from darknet_py.files.json_table import KINDS, LARGEST_ID, NUMBER, as_float, found

NOUNS = {"images": "image", "annotations": "annotation", "categories": "category"}


def check_coco(folder: Path, findings: Findings) -> list[Listed]:
    """Check both splits; the images that they list are returned, and looked at elsewhere."""
    listed: list[Listed] = []
    classes: dict[str, dict[int, str]] = {}
    for split in SPLITS:
        try:
            file = annotation_file(folder, split)
            images = image_folder(folder, file.stem.removeprefix("instances_"))
        except DataError as error:
            findings.add("missing-split", f"{split}: {error.message}", folder)
            continue
        places = read_places(file, findings)
        if places is not None:
            checked = _Split(places, findings, split, images)
            listed += checked.listed
            classes[split] = checked.names
    if len(classes) == len(SPLITS) and classes["train"] != classes["val"]:
        odd = sorted(set(classes["train"].items()) ^ set(classes["val"].items()))
        told = ", ".join(f"{identity} `{quoted(name)}`" for identity, name in odd[:3])
        findings.add("splits-differ", f"has other categories in train than in val: {told}", folder)
    return listed


class _Split:
    """One annotation file; checks on construction."""

    def __init__(self, places: JsonPlaces, findings: Findings, split: str, images: Path) -> None:
        self.places, self.findings, self.split, self.folder = places, findings, split, images
        self.listed: list[Listed] = []
        self.sizes: dict[int, tuple[int, int] | None] = {}
        for name in TABLES:
            if name not in places.tables:
                findings.add("missing-table", f"`{name}` is missing", places.file)
        self.names = self._categories()
        self._images()
        self._annotations()

    def _rows(self, table: str) -> list[Any]:
        return [row.value for row in self.places.tables.get(table, [])]

    def note(self, code: str, table: str, at: int, key: str, message: str) -> None:
        """Note the damage of one key of a row."""
        place = self.places.place_of(self.places.tables[table][at], key)
        name = f"{table}[{at}]{'.' if key else ''}{key}"
        self.findings.add(code, f"{name} {message}", self.places.file, *place)

    def _value(self, table: str, at: int, key: str, kind: str) -> Any:
        """The value of a key, or None after noting why it cannot be used."""
        row = self.places.tables[table][at].value
        if key not in row:
            self.note("missing-key", table, at, key, "is missing")
        elif type(row[key]) not in KINDS[kind]:
            self.note("wrong-type", table, at, key, f"is {found(row[key])}, not {kind}")
        else:
            return row[key]
        return None

    def _objects(self, table: str) -> list[int]:
        """Positions of the rows that are objects; the others are noted."""
        kept = []
        for at, row in enumerate(self._rows(table)):
            if type(row) is dict:
                kept.append(at)
            else:
                self.note("wrong-type", table, at, "", f"is {found(row)}, not an object")
        return kept

    def _id(self, table: str, at: int, met: dict[int, int]) -> int | None:
        identity = self._value(table, at, "id", "a whole number")
        if identity is None:
            return None
        if not 0 <= identity <= LARGEST_ID:
            self.note("id-out-of-range", table, at, "id", f"is {quoted(identity)}, not 0 to {LARGEST_ID}")
            return None
        first = met.setdefault(identity, at)
        if first != at:
            code = f"duplicate-{NOUNS[table]}-id"
            self.note(code, table, at, "id", f"is {identity}, which {table}[{first}] has already")
        return int(identity)

    def _categories(self) -> dict[int, str]:
        met: dict[int, int] = {}
        names: dict[int, str] = {}
        entries = []
        for at in self._objects("categories"):
            identity = self._id("categories", at, met)
            name = self._value("categories", at, "name", "text")
            if name is not None:
                place = self.places.place_of(self.places.tables["categories"][at], "name")
                entries.append((name, *place))
            if identity is not None:
                names.setdefault(identity, name or "")
        check_names(entries, self.places.file, self.findings)
        if "categories" in self.places.tables and not self._rows("categories"):
            self.findings.add("no-classes", "`categories` is empty", self.places.file)
        return names

    def _images(self) -> None:
        met: dict[int, int] = {}
        for at in self._objects("images"):
            identity = self._id("images", at, met)
            size = self._size(at)
            if identity is not None:
                self.sizes.setdefault(identity, size)
            name = self._value("images", at, "file_name", "text")
            if name is None:
                continue
            if not is_inside(name):
                message = f"is `{quoted(name)}`, not a name inside the image folder"
                self.note("bad-file-name", "images", at, "file_name", message)
                continue
            place = self.places.place_of(self.places.tables["images"][at], "file_name")
            path = self.folder / name
            self.listed.append(
                Listed(path, self.split, self.places.file, *place, written=name, size=size, root=self.folder)
            )
        if "images" in self.places.tables and not self._rows("images"):
            self.findings.add("no-images", "`images` is empty", self.places.file)

    def _size(self, at: int) -> tuple[int, int] | None:
        size = [self._value("images", at, key, "a whole number") for key in ("width", "height")]
        for key, side in zip(("width", "height"), size, strict=True):
            if side is not None and not 1 <= side <= 1_000_000:
                message = f"is {quoted(side)}, not 1 to 1000000 pixels"
                self.note("size-out-of-range", "images", at, key, message)
                return None
        return None if None in size else (size[0], size[1])

    def _annotations(self) -> None:
        met: dict[int, int] = {}
        boxes: dict[tuple[Any, ...], int] = {}
        per_class = Counter[int]()
        for at in self._objects("annotations"):
            self._id("annotations", at, met)
            image = self._known(at, "image_id", self.sizes, "image")
            category = self._known(at, "category_id", self.names, "category")
            box = self._box(at, self.sizes.get(image) if image is not None else None)
            self._crowd(at)
            self._area(at, box)
            if None in (image, category, box):
                continue
            first = boxes.setdefault((image, category, *(box or ())), at)
            if first != at:
                self.note("duplicate-box", "annotations", at, "bbox", f"is that of annotations[{first}]")
            per_class[category or 0] += 1
        self.findings.boxes += len(boxes)
        if not boxes:
            self.findings.add("no-boxes", f"{self.split} has no box", self.places.file)
        elif self.split == "train":
            without = [name for identity, name in self.names.items() if not per_class[identity]]
            without_boxes(without, self.places.file, self.findings)

    def _known(self, at: int, key: str, known: dict[int, Any], noun: str) -> int | None:
        identity = self._value("annotations", at, key, "a whole number")
        if identity is not None and identity not in known:
            message = f"is {quoted(identity)}, and no {noun} has that id"
            self.note(f"unknown-{noun}", "annotations", at, key, message)
            return None
        return identity

    def _box(self, at: int, size: tuple[int, int] | None) -> list[float] | None:
        box = self._value("annotations", at, "bbox", "a list")
        if box is None:
            return None
        for place, value in enumerate(box):
            if type(value) not in NUMBER:
                message = f"is {found(value)}, not a number"
                self.note("wrong-type", "annotations", at, f"bbox[{place}]", message)
                return None
        numbers = [as_float(value) for value in box]
        damage = box_damage(numbers, size)
        if damage:
            self.note(damage.code, "annotations", at, "bbox", damage.message)
        return None if damage and damage.lost else numbers

    def _crowd(self, at: int) -> None:
        if "iscrowd" not in self._rows_at(at):
            return
        crowd = self._value("annotations", at, "iscrowd", "a whole number")
        if crowd not in (None, 0, 1):
            self.note("crowd-value", "annotations", at, "iscrowd", f"is {quoted(crowd)}, not 0 or 1")

    def _area(self, at: int, box: list[float] | None) -> None:
        if "area" not in self._rows_at(at):
            return
        value = self._value("annotations", at, "area", "a number")
        if value is None:
            return
        area = as_float(value)
        if not 0 <= area < math.inf:
            self.note("area-negative", "annotations", at, "area", f"is {quoted(area)}, not 0 or more")
        elif box and area > 1.01 * box[2] * box[3] + 1:
            message = f"is {area:g}, more than the {box[2] * box[3]:g} of the box"
            self.note("area-beyond-box", "annotations", at, "area", message)

    def _rows_at(self, at: int) -> dict[str, Any]:
        row: dict[str, Any] = self.places.tables["annotations"][at].value
        return row
