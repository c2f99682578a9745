"""Sliding windows: how many fit on a map, and which cells each of them reads."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction


@dataclass(frozen=True)
class Axis:
    """A window along one axis of a map: `size` cells from its first to its last, moved by `stride`.

    The first one begins `before` cells outside of the map. An upsampling has a fractional stride. Of the
    cells it spans, every `step`-th is read: a dilation.

    >>> Axis(5, 1, 2, step=2).inside(0, 8)
    range(0, 3, 2)
    """

    size: int = 1
    stride: Fraction | int = 1
    before: int = 0
    step: int = field(default=1, repr=False)

    @property
    def pace(self) -> Fraction | int:
        """How many cells the window advances for the next output cell."""
        return self.stride

    def first(self, cell: int) -> int:
        """The first cell that an output cell reads; it may lie outside of the map."""
        return math.floor(cell * self.stride) - self.before

    def last(self, cell: int) -> int:
        """The last cell that it reads; less than the first where nothing is read."""
        return self.first(cell) + self.size - 1

    def inside(self, cell: int, cells: int) -> range:
        """The cells that an output cell reads in a map of `cells` cells."""
        first = self.first(cell)
        first += -(first // self.step) * self.step if first < 0 else 0
        return range(first, min(self.last(cell), cells - 1) + 1, self.step)


class Bins(Axis):
    """Parts of a map, as equal as whole cells allow; `size` is that of the widest."""

    def last(self, cell: int) -> int:
        """The last cell of a bin; bins that do not divide the map evenly overlap."""
        return math.ceil((cell + 1) * self.stride) - 1


@dataclass(frozen=True)
class Covering(Axis):
    """The windows of another axis that cover a cell; their number differs from cell to cell."""

    of: Axis = field(default=Axis(), repr=False)

    def first(self, cell: int) -> int:
        """The first window that does not end before the cell."""
        return -((self.of.size - 1 - self.of.before - cell) // int(self.of.stride))

    def last(self, cell: int) -> int:
        """The last window that does not begin after the cell."""
        return (cell + self.of.before) // int(self.of.stride)


class Everywhere(Axis):
    """The complete map of `size` cells for every output cell; `stride` is that of the output cells."""

    @property
    def pace(self) -> int:
        """0: every output cell reads the same cells."""
        return 0

    def first(self, cell: int) -> int:
        """The first cell of the map."""
        return 0

    def last(self, cell: int) -> int:
        """The last cell of the map."""
        return self.size - 1


@dataclass(frozen=True)
class Scattered(Everywhere):
    """Scattered cells: `between` has the first and the last that each output cell reads."""

    between: tuple[tuple[int, int], ...] = field(default=(), repr=False)

    def inside(self, cell: int, cells: int) -> range:
        """From the first to the last."""
        first, last = self.between[cell]
        return range(first, last + 1)


@dataclass(frozen=True)
class Window:
    """What one output cell reads of its input, rows and columns.

    `others` are the windows on a layer's second map and those after it, where they are not the first's.
    """

    rows: Axis = Axis()
    columns: Axis = Axis()
    others: tuple[Window, ...] = ()

    def on(self, position: int) -> Window:
        """The window on the map at a position of those that the layer reads."""
        return self.others[position - 1] if position and self.others else self


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


def bins(count: int, inside: int) -> Bins:
    """`count` bins along an axis of `inside` cells.

    >>> bins(3, 7)
    Bins(size=3, stride=Fraction(7, 3), before=0)
    """
    edges = [bin_edges(i, count, inside) for i in range(count)]
    return Bins(max(stop - start for start, stop in edges), Fraction(inside, count))


def covering(axis: Axis) -> Covering:
    """The windows that cover one cell, as a window on the map that those windows put out.

    Its size is the most that there are. The stride must be whole.

    >>> covering(Axis(3, 2, 1))
    Covering(size=2, stride=Fraction(1, 2), before=0)
    """
    step = int(axis.stride)
    before = (axis.size - 1 - axis.before) // step
    after = (step - 1 + axis.before) // step
    return Covering(before + 1 + after, Fraction(1, step), before, of=axis)
