"""The annotation file of a COCO folder, read once: images, categories and boxes, and what is wrong with them.

A row that cannot be used is reported and left out; a box that cannot be a truth too (COCO's own train2017 has
two boxes of zero height). Boxes that cross the edge of the image stay as they are. What does no harm, such as
the id of an annotation used twice, is read and counted. Of segmentations only polygons are read, and only
where there is no box, so a damaged RLE does no harm. The units of the boxes are judged over all of them.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from darknet_py.data.findings import Findings
from darknet_py.data.formats.box_defects import box_defect
from darknet_py.data.formats.box_units import COCO_UNITS, FOLLOW_UPS, BoxUnits, judge_units
from darknet_py.data.formats.class_names import ClassNames
from darknet_py.data.formats.coco.categories import unused_parent
from darknet_py.data.formats.coco.json_tables import (
    LARGEST_ID,
    NUMBER,
    JsonTables,
    as_floats,
    found,
    read_tables,
)
from darknet_py.data.formats.coco.polygons import box_around
from darknet_py.data.images.locate import PathFinder
from darknet_py.errors import quoted

TABLES = ("images", "annotations", "categories")
LARGEST_SIDE = 1_000_000
NUMBERS = frozenset(NUMBER)
AREA_OF_BOX = "read as the area of the box"


class CocoImage(NamedTuple):
    """A row of `images` whose file name can be used; id and size (width, height) where they can."""

    at: int
    name: str
    identity: int | None
    size: tuple[int, int] | None


class CocoBox(NamedTuple):
    """A row of `annotations` that can be a truth: x, y, width, height in pixels; category id; area."""

    box: list[float]
    category: int
    crowd: bool
    area: float


class CocoAnnotations:
    """What an annotation file holds.

    Args:
        tables: of the file.
        units: of the boxes, where a person has named them; else they are judged.
        finder: finds images whose names are paths of another machine; without it such a name is an error.

    Attributes:
        categories: names by id.
        images: in the order of the file.
        boxes: of each image, by its id.
        relocated: file names that are no paths below the image folder, and whose images are found.
        repeated: how many boxes are given again, where such findings are wanted.
        parent: the name of a category that is no class, for it is the parent of all others and of no box.
    """

    def __init__(
        self, tables: JsonTables, units: BoxUnits | None = None, finder: PathFinder | None = None
    ) -> None:
        self.tables, self.findings, self.units, self.finder = tables, tables.findings, units, finder
        self._written: list[float] = []  # the numbers of all boxes, four by four, to be judged together
        self._sizes_of: list[int] = []  # and width and height of their images
        self.categories: dict[int, str] = {}
        self.images: list[CocoImage] = []
        self.relocated: set[str] = set()
        self.boxes: dict[int, list[CocoBox]] = {}
        self.repeated, self.parent = 0, ""
        self._sizes: dict[int, tuple[int, int] | None] = {}
        self._read_categories()
        self._read_images()
        self._read_annotations()
        self._judge_units()
        tables.close()

    def _read_categories(self) -> None:
        known: dict[int, int] = {}
        names, parent = ClassNames(), unused_parent(self.tables)
        for at, row in self.tables.objects("categories"):
            if parent is not None and row.get("id") == parent:
                self.parent = str(row["name"])
                continue
            identity = self.tables.identity("categories", at, row, known)
            name = self.tables.value("categories", at, row, "name", "text")
            problem = names.problem(name, f"categories[{at}]") if name is not None else None
            if problem:
                self.tables.report(problem[0], "categories", at, "name", problem[1])
            if identity is not None:
                self.categories.setdefault(identity, name or "")
        if self.tables.rows.get("categories") == []:
            message = "`categories` is empty: there is nothing to learn"
            self.findings.add("no-classes", message, self.tables.file)

    def _read_images(self) -> None:
        known: dict[int, int] = {}
        for at, row in self.tables.objects("images"):
            identity = self.tables.identity("images", at, row, known)
            size = self._size(at, row)
            if identity is not None:
                self._sizes.setdefault(identity, size)
            name = self.tables.value("images", at, row, "file_name", "text")
            if name is None:
                continue
            inside = is_inside(name)
            if inside or (self.finder and name.isprintable() and self.finder.reaches(name)):
                self.relocated.update(() if inside else (name,))
                self.images.append(CocoImage(at, name, identity, size))
            else:
                message = f"is `{quoted(name)}`, not a name inside the image folder"
                self.tables.report("bad-file-name", "images", at, "file_name", message)
        if self.tables.rows.get("images") == []:
            self.findings.add("no-images", "`images` is empty", self.tables.file)

    def _size(self, at: int, row: dict[str, Any]) -> tuple[int, int] | None:
        width = self.tables.value("images", at, row, "width", "a whole number")
        height = self.tables.value("images", at, row, "height", "a whole number")
        for key, side in (("width", width), ("height", height)):
            if side is not None and not 1 <= side <= LARGEST_SIDE:
                message = f"is {quoted(side)}, not 1 to {LARGEST_SIDE} pixels"
                self.tables.report("size-out-of-range", "images", at, key, message)
                return None
        return None if width is None or height is None else (width, height)

    def _read_annotations(self) -> None:
        known: set[int] = set()
        first: dict[tuple[float, ...], int] = {}
        compares = self.findings.wants("duplicate-box")
        for at, row in self.tables.objects("annotations"):
            identity = row.get("id")
            if type(identity) is int and 0 <= identity <= LARGEST_ID and identity not in known:
                known.add(identity)
            else:
                self._accept_identity(at, identity)
            image = self._reference(at, row, "image_id", self._sizes)
            category = self._reference(at, row, "category_id", self.categories)
            box = self._box(at, row, self._sizes.get(image) if image is not None else None)
            if box is None:
                continue
            crowd, area = self._crowd(at, row), self._area(at, row, box)
            if image is None or category is None:
                continue
            self.boxes.setdefault(image, []).append(CocoBox(box, category, crowd, area))
            earlier = first.setdefault((image, category, *box), at) if compares else at
            if earlier != at:
                self.repeated += 1
                message = f"is that of annotations[{earlier}]"
                self.tables.report("duplicate-box", "annotations", at, "bbox", message)

    def _accept_identity(self, at: int, identity: Any) -> None:
        """Count an id that others could not use; truths are numbered anew."""
        if type(identity) is int and 0 <= identity <= LARGEST_ID:
            message = f"{identity}, given before, numbered anew"
            self.tables.accept("duplicate-annotation-id", "annotations", at, "id", message)
        else:
            written = "none" if identity is None else found(identity)
            self.tables.accept("annotation-id", "annotations", at, "id", f"{written}, numbered anew")

    def _reference(self, at: int, row: dict[str, Any], key: str, known: dict[int, Any]) -> int | None:
        written = row.get(key)
        if type(written) is int and written in known:  # as most are
            return written
        identity: int | None = self.tables.value("annotations", at, row, key, "a whole number")
        if identity is None or identity in known:
            return identity
        noun = key.removesuffix("_id")
        message = f"is {quoted(identity)}, and no {noun} has that id"
        self.tables.report(f"unknown-{noun}", "annotations", at, key, message)
        return None

    def _box(self, at: int, row: dict[str, Any], size: tuple[int, int] | None) -> list[float] | None:
        box: list[Any] | None = row.get("bbox")
        if not box and (around := box_around(row.get("segmentation"))):
            self.tables.accept("box-missing", "annotations", at, "bbox", "none, read as that of the polygons")
            box = around
        elif type(box) is not list:
            box = self.tables.value("annotations", at, row, "bbox", "a list")
        if box is None:
            return None
        if not NUMBERS.issuperset(map(type, box)):
            place = next(place for place, value in enumerate(box) if type(value) not in NUMBERS)
            message = f"is {found(box[place])}, not a number"
            self.tables.report("wrong-type", "annotations", at, f"bbox[{place}]", message)
            return None
        numbers = as_floats(box)
        if size and len(numbers) == 4:
            self._written += numbers
            self._sizes_of += size
            numbers = self.units.box_xywh(numbers, size) if self.units else numbers
        defect = box_defect(numbers, size)
        if defect:
            self.tables.report(defect.code, "annotations", at, "bbox", defect.message)
        return None if defect and defect.left_out else numbers

    def _crowd(self, at: int, row: dict[str, Any]) -> bool:
        crowd = row.get("iscrowd", 0)
        if crowd is None or type(crowd) is bool:
            message = f"{found(crowd)}, read as {int(crowd or 0)}"
            self.tables.accept("loose-value", "annotations", at, "iscrowd", message)
            return bool(crowd)
        if crowd not in (0, 1):  # as most are
            crowd = self.tables.value("annotations", at, row, "iscrowd", "a whole number")
        if crowd not in (None, 0, 1):
            message = f"is {quoted(crowd)}, not 0 or 1"
            self.tables.report("crowd-value", "annotations", at, "iscrowd", message)
        return bool(crowd == 1)

    def _area(self, at: int, row: dict[str, Any], box: list[float]) -> float:
        """The area of the file (COCO's is that of the segmentation), else that of the box."""
        of_box = box[2] * box[3]
        area: Any = row.get("area")
        if self.units:  # the file's area may be in any unit
            return of_box
        if area is None or (area == 0 and type(area) in NUMBER):
            message = f"{'none' if area is None else '0'}, {AREA_OF_BOX}"
            self.tables.accept("area-missing", "annotations", at, "area", message)
            return of_box
        if type(area) is not float:
            if self.tables.value("annotations", at, row, "area", "a number") is None:
                return of_box
            area = as_floats([area])[0]
        if not 0 <= area < math.inf:
            message = f"is {quoted(area)}, not 0 or more square pixels"
            self.tables.report("area-negative", "annotations", at, "area", message)
        elif area > 1.01 * of_box + 1:
            message = f"is {area:g}, more than the {of_box:g} of the box"
            self.tables.report("area-beyond-box", "annotations", at, "area", message)
        return float(area)

    def _judge_units(self) -> None:
        """Report that the boxes are in other units than COCO's, instead of what follows from it."""
        if self.units or not self._written:
            return
        written = np.array(self._written, np.float64).reshape(-1, 4)
        sizes = np.array(self._sizes_of, np.float64).reshape(-1, 2)
        self._written, self._sizes_of = [], []
        verdict = judge_units(written, sizes, COCO_UNITS)
        if verdict is None:
            return
        file, message = self.tables.file, verdict.message(COCO_UNITS, to="coco")
        if verdict.sure:
            self.findings.withdraw(FOLLOW_UPS, [file])
        else:
            self.findings.adjusted[message] += verdict.boxes
        self.findings.add("box-units" if verdict.sure else "box-units-likely", message, file)


def read_annotations(
    file: Path, findings: Findings, *, units: BoxUnits | None = None, finder: PathFinder | None = None
) -> CocoAnnotations | None:
    """Read an annotation file; None where it is no JSON, which is reported."""
    tables = read_tables(file, TABLES, findings)
    return CocoAnnotations(tables, units, finder) if tables is not None else None


def is_inside(name: str) -> bool:
    """Whether a file name stays in its folder, and can be printed."""
    steps = not {"", ".", ".."}.isdisjoint(name.split("/"))  # "" also stands before an absolute path
    return not steps and name.isprintable() and "\\" not in name and not os.path.isabs(name)
