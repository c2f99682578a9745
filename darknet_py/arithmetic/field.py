"""Receptive fields: the pixels that the cells of a map depend on, and how windows compose.

The field of a cell is a range of pixels along each axis. On a map without bounds the ranges are periodic:
after some cells (a period), each is an earlier one, shifted. The period is one cell after convolutions and
pools; after an upsampling by 4 it is 4 cells with the same field.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction

from darknet_py.arithmetic.shape import Shape
from darknet_py.arithmetic.window import Axis, Window

UNKNOWN = Shape(0, 0, 0)
FAR = 1 << 60  # where an empty field begins, and minus where it ends


@dataclass(frozen=True)
class Span1D:
    """The fields along one axis: `firsts` and `lasts` of the cells of one period, which advances `advance`.

    Composition is associative and has an identity, `Span1D()`:

    >>> Span1D().then(Axis(3, 1, 1)).then(Axis(2, 2)).size
    4

    Args:
        advance: pixels from one period to the next; 0 where all cells have the same field.
        stride: pixels between neighbouring cells.
    """

    firsts: tuple[int, ...] = (0,)
    lasts: tuple[int, ...] = (0,)
    advance: int = 1
    stride: Fraction = field(default=Fraction(1))

    @property
    def size(self) -> int:
        """The size in pixels of the largest field."""
        return max(0, *(last - first + 1 for first, last in zip(self.firsts, self.lasts, strict=True)))

    def first(self, cell: int) -> int:
        """The first pixel of a cell's field; it may lie outside of the image."""
        turns, phase = divmod(cell, len(self.firsts))
        return self.firsts[phase] + turns * self.advance

    def last(self, cell: int) -> int:
        """The last pixel of a cell's field."""
        turns, phase = divmod(cell, len(self.lasts))
        return self.lasts[phase] + turns * self.advance

    def then(self, axis: Axis, cells: int = 0) -> Span1D:
        """The fields after one more window; `cells` is the size of the new map, where it is known."""
        if len(self.firsts) == 1 and isinstance(axis.pace, int):
            count, advance = 1, axis.pace * self.advance
        else:
            period, rate = Fraction(axis.pace) / len(self.firsts), axis.pace * self._rate
            count, advance = _period(period.denominator, period.numerator * self.advance, rate, cells)
        ends = [(axis.first(cell), axis.last(cell)) for cell in range(count)]
        seen = [(self.first(a), self.last(b)) if a <= b else (FAR, -FAR) for a, b in ends]
        firsts, lasts = (tuple(side) for side in zip(*seen, strict=True))
        stride = self.stride if axis.stride == 1 else self.stride * axis.stride
        return Span1D(firsts, lasts, advance, stride)

    def join(self, other: Span1D, cells: int = 0) -> Span1D:
        """The fields of cells that read two maps at the same position."""
        if (len(self.firsts), self.advance) == (len(other.firsts), other.advance):
            count, advance = len(self.firsts), self.advance
        elif self._rate == other._rate:
            count = math.lcm(len(self.firsts), len(other.firsts))
            count, advance = _period(count, int(count * self._rate), self._rate, cells)
        else:  # maps that drift apart: exact for the cells there are
            rate = max(self._rate, other._rate)
            count = rate.denominator * -(-max(1, cells) // rate.denominator)
            advance = int(count * rate)
        firsts = tuple(min(self.first(cell), other.first(cell)) for cell in range(count))
        lasts = tuple(max(self.last(cell), other.last(cell)) for cell in range(count))
        return Span1D(firsts, lasts, advance, max(self.stride, other.stride))

    @property
    def _rate(self) -> Fraction:
        """Pixels from one cell to the next, on average."""
        return Fraction(self.advance, len(self.firsts))


@dataclass(frozen=True)
class Field:
    """The receptive field of a map, rows and columns."""

    rows: Span1D = Span1D()
    columns: Span1D = Span1D()

    def then(self, window: Window, shape: Shape = UNKNOWN) -> Field:
        """The field after one more window; `shape` is that of the new map, where it is known."""
        rows = self.rows.then(window.rows, shape.height)
        return Field(rows, self.columns.then(window.columns, shape.width))

    def join(self, other: Field, shape: Shape = UNKNOWN) -> Field:
        """The field of a map that reads both."""
        rows = self.rows.join(other.rows, shape.height)
        return Field(rows, self.columns.join(other.columns, shape.width))

    @property
    def reach(self) -> tuple[int, int]:
        """Rows and columns of the field, in pixels."""
        return self.rows.size, self.columns.size

    @property
    def stride(self) -> tuple[Fraction, Fraction]:
        """Pixels between neighbouring cells, rows and columns."""
        return self.rows.stride, self.columns.stride


def _period(count: int, advance: int, rate: Fraction, cells: int) -> tuple[int, int]:
    """A period and its advance; no longer than the map, where the map's size is known and a multiple fits."""
    rounded = rate.denominator * -(-cells // rate.denominator)
    return (rounded, int(rounded * rate)) if 0 < rounded < count else (count, advance)
