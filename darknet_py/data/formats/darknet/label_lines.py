"""Lines of label files that hold more than a box: polygons, oriented boxes and key points.

Tools of YOLO's family write polygons as `class x1 y1 x2 y2 x3 y3 ...`, oriented boxes as four such points,
and key points after a box, each as `x y visibility`, or four or more as `x y`. All become boxes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from darknet_py.data.findings import Findings

LOOSE = {  # codes of lines that are read although they are not as they should be
    "label-polygon": "a polygon or an oriented box, read as the box around it",
    "label-keypoints": "a box with key points, read without them",
    "label-class-float": "a class like 1.0, read as 1",
}
LEAST_PAIRS = 4  # fewer could be a polygon, too
SLACK = 0.02  # of the image, by which a key point may lie outside of its box
_VISIBILITY = re.compile(r"[012](\.0*)?", re.ASCII)

Numbers = tuple[float, float, float, float]
ReadBox = Callable[[Numbers, bool], Numbers]  # and whether the four are centre, width and height in any case
Row = tuple[float, float, float, float, float]  # class, x, y, width, height


def has_points(words: Sequence[str]) -> bool:
    """Whether a line has as many words as one of points: a polygon of three or more, or key points."""
    return len(words) > 6 and (len(words) % 2 == 1 or _has_visibility(words))


def _has_visibility(words: Sequence[str]) -> bool:
    return len(words) > 7 and (len(words) - 5) % 3 == 0 and all(map(_VISIBILITY.fullmatch, words[7::3]))


class LooseLines:
    """Reads label lines whose words have been checked, and counts those that are not as they should be."""

    def __init__(self, read: ReadBox | None) -> None:
        self.convert = read or (lambda box, centred: box)
        self.first: dict[str, int] = {}
        self.counts: Counter[str] = Counter()

    def read(self, words: Sequence[str], at: int) -> Row:
        """Return the class, and the four numbers of a box or of the box around a polygon."""
        label, *numbers = map(float, words)
        box = numbers[0], numbers[1], numbers[2], numbers[3]
        if "." in words[0]:
            self._count("label-class-float", at)
        if len(numbers) == 4:
            return label, *self.convert(box, False)
        points = numbers[4:]
        if _has_visibility(words):
            shown = [(x, y) for x, y, v in zip(points[::3], points[1::3], points[2::3], strict=True) if v]
            keypoints = len(words) % 2 == 0 or _inside(shown, box)
        else:
            shown = [pair for pair in zip(points[::2], points[1::2], strict=True) if pair != (0, 0)]
            many = len(points) >= 2 * LEAST_PAIRS and len(shown) > 1
            keypoints = many and _inside(shown, box) and _far(box[2:], [*shown, box[:2]])
        if keypoints:
            self._count("label-keypoints", at)
            return label, *self.convert(box, False)
        self._count("label-polygon", at)
        left, right, top, bottom = (
            pick(values) for values in (numbers[::2], numbers[1::2]) for pick in (min, max)
        )
        around = (left + right) / 2, (top + bottom) / 2, right - left, bottom - top
        return label, *self.convert(around, True)

    def _count(self, code: str, at: int) -> None:
        self.first.setdefault(code, at)
        self.counts[code] += 1

    def report(self, file: Path, findings: Findings) -> None:
        """Report each kind once, at the first line."""
        for code, count in self.counts.items():
            message = f"{LOOSE[code]}; {count:,} such line{'s' if count > 1 else ''}"
            findings.add(code, message, file, self.first[code], 1)
            findings.adjusted[LOOSE[code]] += count


def _inside(points: Sequence[tuple[float, float]], box: Numbers) -> bool:
    """Whether points lie in the box of this centre, width and height."""
    x, y, w, h = box
    return all(abs(px - x) <= w / 2 + SLACK and abs(py - y) <= h / 2 + SLACK for px, py in points)


def _far(point: tuple[float, float], points: Sequence[tuple[float, float]]) -> bool:
    """Whether a point is farther from others than those are from each other, as no corner of a polygon is."""
    xs, ys = zip(*points, strict=True)
    across = max(max(xs) - min(xs), max(ys) - min(ys))
    beyond = max(min(xs) - point[0], point[0] - max(xs), min(ys) - point[1], point[1] - max(ys))
    return bool(beyond > across)
