"""The values in a plot that appear at the pointer: a transparent layer of marks over its picture.

A plot declares its marks in the coordinates of its axes; where they lie in the picture is known once it is
drawn. Without a script a browser shows the name of a mark; with `page.js` the values, by keyboard too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINTS_AN_INCH = 72  # the unit of matplotlib's SVG
HALF = 5.0  # of the smallest mark: half its side

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class HoverMark:
    """A rectangle of the picture with its text."""

    x: str
    y: str
    width: str
    height: str
    text: str


@dataclass(frozen=True)
class HoverLine:
    """A curve: `points` in the picture and `values` in the axes, as `x,y x,y`, and what the values are."""

    text: str
    across: str
    up: str
    points: str
    values: str


@dataclass(frozen=True)
class Plot:
    """A picture as a data URI, its size in points, and its marks."""

    uri: str
    width: float
    height: float
    marks: tuple[HoverMark, ...] = ()
    lines: tuple[HoverLine, ...] = ()


@dataclass
class Hover:
    """Collects the marks of a plot while it is drawn; all texts can be shown already, see `tables.label`."""

    _spans: list[tuple[Axes, Points, str]] = field(default_factory=list)
    _lines: list[tuple[Axes, Points, tuple[str, str, str]]] = field(default_factory=list)

    def span(self, axes: Axes, corners: Points, text: str) -> None:
        """Mark the rectangle around some points; a single point has a mark that is easy to hit."""
        self._spans.append((axes, corners, text))

    def line(self, axes: Axes, points: Points, text: str, *, across: str, up: str) -> None:
        """Mark a curve.

        Args:
            text: its name.
            across: what its first values are called, such as "epoch".
            up: what its second values are called.
        """
        if points:
            self._lines.append((axes, points, (text, across, up)))

    def plot(self, uri: str, width: float, height: float) -> Plot:
        """The drawn picture with its marks; `width` and `height` in points."""
        marks = tuple(_mark(_places(axes, points, height), text) for axes, points, text in self._spans)
        lines = tuple(
            HoverLine(
                *words,
                " ".join(f"{x:.1f},{y:.1f}" for x, y in _places(axes, points, height)),
                " ".join(f"{x:.4g},{y:.4g}" for x, y in points),
            )
            for axes, points, words in self._lines
        )
        return Plot(uri, width, height, marks, lines)


def _places(axes: Axes, points: Points, height: float) -> list[tuple[float, float]]:
    """Points of the axes in the picture, whose vertical axis points down."""
    dpi = axes.figure.dpi
    places = axes.transData.transform(list(points)) * POINTS_AN_INCH / dpi
    return [(x, height - y) for x, y in places.tolist()]


def _mark(places: Points, text: str) -> HoverMark:
    (left, right), (top, bottom) = ((min(side), max(side)) for side in zip(*places, strict=True))
    dx, dy = (max(0.0, HALF - (high - low) / 2) for low, high in ((left, right), (top, bottom)))
    width, height = right - left + 2 * dx, bottom - top + 2 * dy
    return HoverMark(f"{left - dx:.1f}", f"{top - dy:.1f}", f"{width:.1f}", f"{height:.1f}", text)
