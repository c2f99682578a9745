"""Darknet's label files, line by line: what a reader refuses, drops, or takes for something else."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from darknet_py.data.check.boxes import box_damage
from darknet_py.data.check.findings import Findings, Listed
from darknet_py.data.check.text import lines_with_numbers
from darknet_py.data.formats.darknet_lists import MOST_BYTES, NUMBER_TEXT, SLACK, label_places
from darknet_py.errors import quoted

COLUMNS = ("class", "x", "y", "width", "height")
PIXELS = 2.0  # no rounding makes a fraction as large


@dataclass
class Labels:
    """The label files of some images: each is checked once, and its boxes are counted by class."""

    classes: int
    findings: Findings
    met: dict[Path, Counter[int]] = field(default_factory=dict)

    def of(self, image: Listed) -> Counter[int] | None:
        """Boxes of an image by class; None where it has no label file."""
        places = list(dict.fromkeys(label_places(image.written, image.path)))
        found = [place for place in places if os.path.isfile(place)]
        if not found:
            return None
        if len(found) == 2 and found[0] not in self.met and found[0].read_bytes() != found[1].read_bytes():
            message = f"is read, and `{quoted(found[1])}` says something else of the same image"
            self.findings.add("label-in-two-places", message, found[0])
        if found[0] not in self.met:
            self.met[found[0]] = self._file(found[0])
        return self.met[found[0]]

    def _file(self, file: Path) -> Counter[int]:
        boxes = Counter[int]()
        first: dict[tuple[float, ...], int] = {}
        for at, line in lines_with_numbers(file, self.findings, most=MOST_BYTES) or ():
            row = self._row(file, at, line) if line.strip() else None
            if row is None:
                continue
            if first.setdefault(row, at) != at:
                self.findings.add("duplicate-box", f"is the box of line {first[row]}", file, at)
            else:
                boxes[int(row[0])] += 1
        return boxes

    def _row(self, file: Path, at: int, line: str) -> tuple[float, ...] | None:
        """The five numbers of a line, or None after noting the first damage that loses them."""
        words = list(re.finditer(r"\S+", line))
        texts = [word.group() for word in words]
        damage = line_damage(texts, self.classes)
        if damage:
            code, message, column = damage
            place = words[column].start() + 1 if column < len(words) else 1
            self.findings.add(code, message, file, at, place)
            return None
        label, x, y, w, h = map(float, texts)
        odd = box_damage((x - w / 2, y - h / 2, w, h), (1, 1))
        if odd:
            self.findings.add(odd.code, odd.message, file, at, words[3].start() + 1)
        return None if odd and odd.lost else (label, x, y, w, h)


def line_damage(words: Sequence[str], classes: int) -> tuple[str, str, int] | None:
    """Code, message and the word at error, for the words of one line; None for a label."""
    if any("," in word for word in words):
        at = next(at for at, word in enumerate(words) if "," in word)
        return "label-commas", "has commas; columns are parted by spaces, decimals by a point", at
    if len(words) != len(COLUMNS):
        polygon = "; that many are those of a polygon" if len(words) > 6 and len(words) % 2 else ""
        return "label-columns", f"has {len(words)} columns, not the 5 of `class x y width height`{polygon}", 0
    if not re.fullmatch(r"\d{1,6}", words[0], re.ASCII):
        return "label-class", f"class `{quoted(words[0])}` is not a whole number of 0 or more", 0
    if int(words[0]) >= classes:
        return "label-class-range", f"class {words[0]} is not one of the {classes}, 0 to {classes - 1}", 0
    damages = (_number_damage(name, word) for name, word in zip(COLUMNS[1:], words[1:], strict=True))
    found = ((*damage, at) for at, damage in enumerate(damages, start=1) if damage)
    return next(found, None) or _pixels(words)


def _number_damage(name: str, word: str) -> tuple[str, str] | None:
    """What is wrong with the text of a number; its range is another matter."""
    if re.fullmatch(r"[+-]?(nan|inf|infinity)(\(\w*\))?", word, re.IGNORECASE | re.ASCII):
        return "box-not-finite", f"{name} is `{quoted(word)}`"
    if not NUMBER_TEXT.fullmatch(word):
        return "label-not-a-number", f"{name} `{quoted(word)}` is not a number"
    return None


def _pixels(words: Sequence[str]) -> tuple[str, str, int] | None:
    values = [float(word) for word in words[1:]]
    if max(values) >= PIXELS and min(values) >= 0:
        at = values.index(max(values))
        message = f"{COLUMNS[1 + at]} = {words[1 + at]}: columns are pixels, not fractions of the image"
        return "label-pixels", message, 1 + at
    for at, value in enumerate(values, start=1):
        if at > 2 and value < 0:
            return "box-negative-size", f"{COLUMNS[at]} = {words[at]} is negative", at
        if not -SLACK <= value <= 1 + SLACK:
            message = f"{COLUMNS[at]} = {quoted(words[at])} is not a fraction of the image, 0 to 1"
            return "label-out-of-range", message, at
    return None
