"""Windows that slide over a map: how many fit, where they begin, and how what they see composes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Axis:
    """A window along one axis of a map: `size` cells, moved by `stride`.

    The first one begins `before` cells outside of the map. An upsampling has a fractional stride.
    """

    size: int = 1
    stride: Fraction | int = 1
    before: int = 0


@dataclass(frozen=True)
class Window:
    """What one output cell reads of its input, rows and columns."""

    rows: Axis = Axis()
    columns: Axis = Axis()


@dataclass(frozen=True)
class Span1D:
    """What cell 0 of a map sees of the image along one axis: pixels `first` to `last`.

    The next cell sees `stride` further on. Composition is associative and has an identity, `Span1D()`:

    >>> Span1D().then(Axis(3, 1, 1)).then(Axis(2, 2)).size
    4
    """

    first: Fraction = Fraction(0)
    last: Fraction = Fraction(0)
    stride: Fraction = Fraction(1)

    @property
    def size(self) -> int:
        """Pixels seen by one cell."""
        return math.floor(self.last) - math.ceil(self.first) + 1

    def then(self, axis: Axis) -> Span1D:
        """What a cell sees after one more window."""
        first = self.first - axis.before * self.stride
        last = self.last + (axis.size - 1 - axis.before) * self.stride
        return Span1D(first, last, self.stride * axis.stride)

    def join(self, other: Span1D) -> Span1D:
        """What a cell sees that reads two maps of the same place."""
        return Span1D(
            min(self.first, other.first), max(self.last, other.last), max(self.stride, other.stride)
        )


@dataclass(frozen=True)
class Field:
    """The receptive field of a map, rows and columns."""

    rows: Span1D = Span1D()
    columns: Span1D = Span1D()

    def then(self, window: Window) -> Field:
        """The field after one more window."""
        return Field(self.rows.then(window.rows), self.columns.then(window.columns))

    def join(self, other: Field) -> Field:
        """The field of a map that reads both."""
        return Field(self.rows.join(other.rows), self.columns.join(other.columns))

    @property
    def reach(self) -> tuple[int, int]:
        """Rows and columns of the image that one cell sees."""
        return self.rows.size, self.columns.size

    @property
    def stride(self) -> tuple[Fraction, Fraction]:
        """Pixels between neighbouring cells, rows and columns."""
        return self.rows.stride, self.columns.stride


def output_size(inside: int, *, size: int, stride: int, padding: int) -> int:
    """How many windows fit along an axis of `inside` cells with `padding` cells added in all.

    Zero or less when not even one fits.

    >>> output_size(13, size=2, stride=1, padding=1)
    13
    """
    return (inside + padding - size) // stride + 1


def bin_edges(number: int, count: int, inside: int) -> tuple[int, int]:
    """First cell of bin `number` of `count` along an axis of `inside` cells, and the one after its last.

    >>> [bin_edges(i, 3, 7) for i in range(3)]
    [(0, 3), (2, 5), (4, 7)]
    """
    return number * inside // count, -(-(number + 1) * inside // count)


def bins(count: int, inside: int) -> Axis:
    """`count` bins along an axis of `inside` cells as one window: as wide as the widest of them.

    >>> bins(3, 7)
    Axis(size=3, stride=Fraction(7, 3), before=0)
    """
    edges = [bin_edges(i, count, inside) for i in range(count)]
    return Axis(max(stop - start for start, stop in edges), Fraction(inside, count))


def covering(axis: Axis) -> Axis:
    """The windows that cover one cell, as a window on the map that those windows put out.

    Their number differs from cell to cell; this is the most. The stride must be whole.

    >>> covering(Axis(3, 2, 1))
    Axis(size=2, stride=Fraction(1, 2), before=0)
    """
    step = int(axis.stride)
    before = (axis.size - 1 - axis.before) // step
    after = (step - 1 + axis.before) // step
    return Axis(before + 1 + after, Fraction(1, step), before)
