"""Where the cells of windows lie in a map: one cell of many windows at once is one strided view."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from types import EllipsisType
from typing import NamedTuple

# Of each window along an axis the first cell and the one after its last, which may lie outside; and the cells
# that the map has along it.
Edges = tuple[list[tuple[int, int]], int]
Rectangle = tuple[EllipsisType, slice, slice]


class Cell(NamedTuple):
    """One cell of many windows: its number, row by row; which windows have it, and where it is for each."""

    number: int
    windows: Rectangle
    place: Rectangle


class Block(NamedTuple):
    """Windows of equal size at equal steps, wholly inside of the map: which, and where the first begins.

    Windows that see the same cells, at step 0, count as one.
    """

    windows: Rectangle
    start: tuple[int, int]
    size: tuple[int, int]
    steps: tuple[int, int]
    count: tuple[int, int]

    def cells(self) -> Iterator[Rectangle]:
        """Where each cell lies for all of these windows, row by row."""
        down, across = (
            [slice(s + k, s + k + (n - 1) * step + 1, max(1, step)) for k in range(size)]
            for s, size, step, n in zip(self.start, self.size, self.steps, self.count, strict=True)
        )
        return ((..., rows, columns) for rows, columns in itertools.product(down, across))


class _WindowRun(NamedTuple):
    """Windows `first` and following, `count` in all, and a cell that moves by `step` from one to the next."""

    first: int
    count: int
    start: int
    step: int

    @property
    def windows(self) -> slice:
        return slice(self.first, self.first + self.count)

    @property
    def place(self) -> slice:
        return slice(self.start, self.start + (self.count - 1) * self.step + 1, self.step)


def _runs(starts: list[tuple[int, int]], least_step: int) -> Iterator[_WindowRun]:
    """(window, cell) pairs in runs of windows that follow each other, their cells at one step."""
    run: _WindowRun | None = None
    for window, cell in starts:
        step = cell - (run.start + (run.count - 1) * run.step) if run else 0
        next_in_row = run is not None and window == run.first + run.count and step >= least_step
        if run and next_in_row and (run.count == 1 or step == run.step):
            run = run._replace(count=run.count + 1, step=step)
            continue
        if run:
            yield run
        run = _WindowRun(window, 1, cell, 1)
    if run:
        yield run


def cells_of(*axes: Edges) -> tuple[Cell, ...]:
    """The cells of windows on a map, row by row within each window; those outside of the map are left out."""
    found = []
    for edges, inside in axes:
        longest = max(stop - start for start, stop in edges)
        starts = [
            [(i, a + k) for i, (a, b) in enumerate(edges) if 0 <= a + k < min(b, inside)]
            for k in range(longest)
        ]
        found.append([list(_runs(pairs, least_step=1)) for pairs in starts if pairs])
    down, across = found
    return tuple(
        Cell(y * len(across) + x, (..., rows.windows, columns.windows), (..., rows.place, columns.place))
        for y, x in itertools.product(range(len(down)), range(len(across)))
        for rows, columns in itertools.product(down[y], across[x])
    )


def blocks_of(*axes: Edges) -> tuple[Block, ...]:
    """Windows on a map in blocks of equal ones; what lies outside of the map is cut off."""
    found = []
    for edges, inside in axes:
        clipped = [(max(0, a), min(b, inside)) for a, b in edges]
        sizes = sorted({b - a for a, b in clipped})
        starts = [[(i, a) for i, (a, b) in enumerate(clipped) if b - a == size] for size in sizes]
        found.append([(size, run) for size, s in zip(sizes, starts, strict=True) for run in _runs(s, 0)])
    return tuple(
        Block(
            windows=(..., rows.windows, columns.windows),
            start=(rows.start, columns.start),
            size=(high, wide),
            steps=(rows.step, columns.step),
            count=(rows.count if rows.step else 1, columns.count if columns.step else 1),
        )
        for (high, rows), (wide, columns) in itertools.product(*found)
    )
