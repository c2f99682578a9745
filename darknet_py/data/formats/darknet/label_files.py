"""Darknet's label files: `class x_centre y_centre width height`, fractions of the image, a box a line.

The labels of `images/train2017/7.jpg` are in `labels/train2017/7.txt`, those of any other image in its own
folder (AlexeyAB), or where `images`, `JPEGImages` or `raw` in its path becomes `labels` (pjreddie), or where
the last folder that is called `images`, in any case, becomes `labels` (YOLOv5). Darknet stops reading a label
file at the first line it does not understand; here such a line is reported.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from pathlib import Path

from darknet_py.data.findings import Findings
from darknet_py.data.formats.box_defects import box_defect
from darknet_py.data.formats.text_lines import numbered_lines
from darknet_py.errors import quoted

COLUMNS = ("class", "x", "y", "width", "height")
PIXELS = 2.0  # no rounding makes a fraction as large
SLACK = 1e-4  # of a side: what tools that write six digits are off by
NUMBER_TEXT = re.compile(r"-?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_CLASS_TEXT = re.compile(r"\d{1,6}", re.ASCII)
_NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)(\(\w*\))?", re.IGNORECASE | re.ASCII)
_ALEXEYAB = (
    *((f"/images/{name}/", f"/labels/{name}/") for name in ("train2017", "val2017", "train2014", "val2014")),
    ("/JPEGImages/", "/labels/"),
)
_PJREDDIE = (("images", "labels"), ("JPEGImages", "labels"), ("raw", "labels"))
_IMAGES = ("images", "jpegimages")

Row = tuple[float, float, float, float, float]  # class, x, y, width, height
Problem = tuple[str, str, int]  # code, message, and the number of the word that it is about


def label_places(written: str, path: Path) -> list[Path]:
    """Return where the labels of an image may be: AlexeyAB's place first, pjreddie's, YOLOv5's, beside it.

    Args:
        written: the path as the list has it.
        path: where the image was found.
    """
    complete = path.as_posix()
    places = _places(Path(written).as_posix(), complete)  # `./a//b` is `a/b`, as in `path`
    if "/../" in complete:
        places += _places(posixpath.normpath(written), posixpath.normpath(complete))
    return [Path(f"{posixpath.splitext(place)[0]}.txt") for place in dict.fromkeys(places)]


def _places(written: str, complete: str) -> list[str]:
    """The paths that `images` becomes `labels` in; pjreddie replaces it in what the list says alone."""
    alexeyab = complete
    for old, new in _ALEXEYAB:
        alexeyab = alexeyab.replace(old, new)
    pjreddie = written if complete.endswith(written) else ""
    folder = complete.removesuffix(pjreddie)
    for old, new in _PJREDDIE:
        pjreddie = pjreddie.replace(old, new, 1)
    places = [alexeyab, folder + pjreddie]
    parts = complete.split("/")
    at = next((at for at in range(len(parts) - 2, -1, -1) if parts[at].lower() in _IMAGES), None)
    if at is not None:
        labels = ("labels",) if parts[at] == "images" else ("labels", "Labels", "LABELS")
        places += ["/".join((*parts[:at], word, *parts[at + 1 :])) for word in labels]
    return [*places, complete]


def read_labels(file: Path, classes: int, findings: Findings) -> list[Row]:
    """Read a label file; lines that are no label, boxes without size and repeated lines are left out."""
    rows: dict[Row, int] = {}
    for at, line in numbered_lines(file, findings) or ():
        words = line.split()
        if not words:
            continue
        problem = _words_problem(words, classes)
        if problem:
            code, message, word = problem
            findings.add(code, message, file, at, _column(line, word))
            continue
        label, x, y, w, h = map(float, words)
        row = label, x, y, w, h
        if w <= 0 or h <= 0:
            message = f"is {w:g} wide and {h:g} high"
            findings.add("box-without-size", message, file, at, _column(line, 3))
            continue
        defect = box_defect((x - w / 2, y - h / 2, w, h), (1, 1))
        if defect:
            findings.add(defect.code, defect.message, file, at, _column(line, 3))
        first = rows.setdefault(row, at)
        if first != at:
            findings.add("duplicate-box", f"is the box of line {first}", file, at)
    return list(rows)


def _column(line: str, word: int) -> int:
    return list(re.finditer(r"\S+", line))[word].start() + 1


def _words_problem(words: Sequence[str], classes: int) -> Problem | None:
    """Find why the words of a line are no label."""
    for at, word in enumerate(words):
        if "," in word:
            return "label-commas", "has commas; columns are separated by spaces, decimals by a point", at
    if len(words) != len(COLUMNS):
        polygon = "; that many are those of a polygon" if len(words) > 6 and len(words) % 2 else ""
        return "label-columns", f"has {len(words)} columns, not the 5 of `class x y width height`{polygon}", 0
    if not _CLASS_TEXT.fullmatch(words[0]):
        return "label-class", f"class `{quoted(words[0])}` is not a whole number of 0 or more", 0
    if int(words[0]) >= classes:
        return "label-class-range", f"class {words[0]} is not one of the {classes}, 0 to {classes - 1}", 0
    for at, word in enumerate(words[1:], start=1):
        if _NOT_FINITE.fullmatch(word):
            return "box-not-finite", f"{COLUMNS[at]} is `{quoted(word)}`", at
        if not NUMBER_TEXT.fullmatch(word):
            return "label-not-a-number", f"{COLUMNS[at]} `{quoted(word)}` is not a number", at
    return _range_problem(words)


def _range_problem(words: Sequence[str]) -> Problem | None:
    """Find a column that is no fraction of the image."""
    values = [float(word) for word in words[1:]]
    least, greatest = min(values), max(values)
    if least >= -SLACK and greatest <= 1 + SLACK:
        return None
    if greatest >= PIXELS and least >= 0:
        at = 1 + values.index(greatest)
        return (
            "label-pixels",
            f"{COLUMNS[at]} = {words[at]}: columns are pixels, not fractions of the image",
            at,
        )
    at = next(at for at, value in enumerate(values, start=1) if not -SLACK <= value <= 1 + SLACK)
    if at > 2 and values[at - 1] < 0:
        return "box-negative-size", f"{COLUMNS[at]} = {words[at]} is negative", at
    return (
        "label-out-of-range",
        f"{COLUMNS[at]} = {quoted(words[at])} is not a fraction of the image, 0 to 1",
        at,
    )
