"""Darknet's label files: `class x_centre y_centre width height`, fractions of the image, a box a line.

The labels of `images/train2017/7.jpg` are in `labels/train2017/7.txt`, those of any other image in its own
folder (AlexeyAB), or where `images`, `JPEGImages` or `raw` in its path becomes `labels` (pjreddie), or where
the last folder that is called `images`, in any case, becomes `labels` (YOLOv5). Darknet stops reading a label
file at the first line it does not understand; here such a line is reported. Lines of polygons
(`class x1 y1 x2 y2 x3 y3 ...`) and of oriented boxes (four points) become the boxes around them.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from pathlib import Path

from darknet_py.data.findings import Findings
from darknet_py.data.formats.box_defects import box_defect
from darknet_py.data.formats.darknet.label_lines import LooseLines, Numbers, ReadBox, Row, has_points
from darknet_py.data.formats.text_lines import numbered_lines
from darknet_py.errors import quoted

COLUMNS = ("class", "x", "y", "width", "height")
PIXELS = 2.0  # no rounding makes a fraction as large
SLACK = 1e-4  # of a side: what tools that write six digits are off by
NUMBER_TEXT = re.compile(r"-?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_CLASS_TEXT = re.compile(r"\d{1,6}(\.0*)?", re.ASCII)
_NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)(\(\w*\))?", re.IGNORECASE | re.ASCII)
_ALEXEYAB = (
    *((f"/images/{name}/", f"/labels/{name}/") for name in ("train2017", "val2017", "train2014", "val2014")),
    ("/JPEGImages/", "/labels/"),
)
_PJREDDIE = (("images", "labels"), ("JPEGImages", "labels"), ("raw", "labels"))
_IMAGES = ("images", "jpegimages")

Problem = tuple[str, str, int]  # code, message, and the number of the word that it is about


def label_places(written: str, path: Path) -> list[Path]:
    """Return where the labels of an image may be; see `label_paths`."""
    return [Path(place) for place in label_paths(written, path)]


def label_paths(written: str, path: Path) -> list[str]:
    """Return where the labels of an image may be: AlexeyAB's place first, pjreddie's, YOLOv5's, beside it.

    Args:
        written: the path as the list has it.
        path: where the image was found.
    """
    complete = path.as_posix()
    places = _places(Path(written).as_posix(), complete)  # `./a//b` is `a/b`, as in `path`
    if "/../" in complete:
        places += _places(posixpath.normpath(written), posixpath.normpath(complete))
    return [f"{posixpath.splitext(place)[0]}.txt" for place in dict.fromkeys(places)]


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


def read_labels(
    file: Path,
    classes: int,
    findings: Findings,
    *,
    beyond: list[Numbers] | None = None,
    read: ReadBox | None = None,
) -> list[Row]:
    """Read a label file; lines that are no label, boxes without size and repeated lines are left out.

    Args:
        beyond: is given the numbers of lines that are no fractions, for a judgement over all files.
        read: gives centre, width and height as fractions, where the four numbers of a line are others.
    """
    rows: dict[Row, int] = {}
    loose = LooseLines(read)
    for at, line in numbered_lines(file, findings) or ():
        words = line.split()
        if not words:
            continue
        problem = _words_problem(words, classes)
        row = (0.0,) * 5 if problem else loose.read(words, at)
        if not problem:
            problem = _range_problem(row[1:], words)
            if problem and beyond is not None:
                beyond.append(row[1:])
        if problem:
            code, message, word = problem
            findings.add(code, message, file, at, _column(line, word))
            continue
        _, x, y, w, h = row
        defect = box_defect((x - w / 2, y - h / 2, w, h), (1, 1))
        if defect:
            findings.add(defect.code, defect.message, file, at, _column(line, 3))
        first = rows.setdefault(row, at)
        if first != at:
            findings.add("duplicate-box", f"is the box of line {first}", file, at)
    loose.report(file, findings)
    return list(rows)


def looks_like_labels(file: Path) -> bool:
    """Whether the first line of a text file is a label."""
    try:
        with file.open("rb") as stream:
            return re.match(rb"\s*\d+(\s+[\d.eE+-]+){4,}\s", stream.readline(1000) + b"\n") is not None
    except OSError:
        return False


def _column(line: str, word: int) -> int:
    return list(re.finditer(r"\S+", line))[word].start() + 1


def _words_problem(words: Sequence[str], classes: int) -> Problem | None:
    """Find why the words of a line are no label."""
    for at, word in enumerate(words):
        if "," in word:
            return "label-commas", "has commas; columns are separated by spaces, decimals by a point", at
    points = has_points(words)
    if len(words) != len(COLUMNS) and not points:
        score = "; detections with a score have 6" if len(words) == 6 else ""
        return "label-columns", f"has {len(words)} columns, not the 5 of `class x y width height`{score}", 0
    if not _CLASS_TEXT.fullmatch(words[0]):
        return "label-class", f"class `{quoted(words[0])}` is not a whole number of 0 or more", 0
    if float(words[0]) >= classes:
        return "label-class-range", f"class {words[0]} is not one of the {classes}, 0 to {classes - 1}", 0
    for at, word in enumerate(words[1:], start=1):
        name = f"column {at + 1}" if points else COLUMNS[at]
        if _NOT_FINITE.fullmatch(word):
            return "box-not-finite", f"{name} is `{quoted(word)}`", at
        if not NUMBER_TEXT.fullmatch(word):
            return "label-not-a-number", f"{name} `{quoted(word)}` is not a number", at
    return None


def _range_problem(values: Numbers, words: Sequence[str]) -> Problem | None:
    """Find a number that is no fraction of the image, quoted as it is written, or a side without length."""
    least, greatest = min(values), max(values)
    if least >= -SLACK and greatest <= 1 + SLACK:
        w, h = values[2:]
        size = ("box-without-size", f"is {w:g} wide and {h:g} high", min(3, len(words) - 1))
        return size if w <= 0 or h <= 0 else None
    at = next(at for at, value in enumerate(values) if not -SLACK <= value <= 1 + SLACK)
    pixels = greatest >= PIXELS and least >= 0
    at = values.index(greatest) if pixels else at
    line = len(words) == len(COLUMNS)
    word, column = (quoted(words[at + 1]), at + 1) if line else (f"{values[at]:g}", 1)
    name = COLUMNS[at + 1]
    if pixels:
        return "label-pixels", f"{name} = {word}: columns are pixels, not fractions of the image", column
    if at > 1 and values[at] < 0:
        return "box-negative-size", f"{name} = {word} is negative", column
    return "label-out-of-range", f"{name} = {word} is not a fraction of the image, 0 to 1", column
