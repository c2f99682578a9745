"""Where the cells of windows lie in a map, as strided views of many windows at once."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from types import EllipsisType
from typing import NamedTuple

# The first cell of each window along an axis and the cell after its last, which may lie outside of the map;
# and the number of cells of the map along that axis.
Edges = tuple[list[tuple[int, int]], int]
Rectangle = tuple[EllipsisType, slice, slice]


class Cell(NamedTuple):
    """The same cell of many windows: its number in the window, the windows, and its places in the map."""

    number: int
    windows: Rectangle
    place: Rectangle


class Block(NamedTuple):
    """Windows of equal size at equal steps inside of the map: which windows, and where the first starts.

    Windows of the same cells, at step 0, count as one.
    """

    windows: Rectangle
    start: tuple[int, int]
    size: tuple[int, int]
    steps: tuple[int, int]
    counts: tuple[int, int]

    def cells(self) -> Iterator[Rectangle]:
        """The places of each cell of these windows, row by row."""
        down, across = (
            [slice(s + k, s + k + (n - 1) * step + 1, max(1, step)) for k in range(size)]
            for s, size, step, n in zip(self.start, self.size, self.steps, self.counts, strict=True)
        )
        return ((..., rows, columns) for rows, columns in itertools.product(down, across))


class _WindowRun(NamedTuple):
    """`length` windows from `first` on, and a cell of theirs, which moves by `step` from window to window."""

    first: int
    length: int
    start: int
    step: int

    @property
    def windows(self) -> slice:
        return slice(self.first, self.first + self.length)

    @property
    def place(self) -> slice:
        return slice(self.start, self.start + (self.length - 1) * self.step + 1, self.step)


def _runs(starts: list[tuple[int, int]], least_step: int) -> Iterator[_WindowRun]:
    """Group (window, cell) pairs into runs of consecutive windows whose cells lie at one step."""
    run: _WindowRun | None = None
    for window, cell in starts:
        step = cell - (run.start + (run.length - 1) * run.step) if run else 0
        consecutive = run is not None and window == run.first + run.length and step >= least_step
        if run and consecutive and (run.length == 1 or step == run.step):
            run = run._replace(length=run.length + 1, step=step)
            continue
        if run:
            yield run
        run = _WindowRun(window, 1, cell, 1)
    if run:
        yield run


def cells_of(*axes: Edges) -> tuple[Cell, ...]:
    """The cells of windows that lie in a map, row by row within each window."""
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
    """Windows in blocks of equal size; cells outside of the map are cut off."""
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
            counts=(rows.length if rows.step else 1, columns.length if columns.step else 1),
        )
        for (high, rows), (wide, columns) in itertools.product(*found)
    )
