"""Receptive fields of all layers: folds over the graph, with windows that compose.

`fields` has the receptive field in the usual sense: of a cell far from the borders, in an image without
bounds. `clipped_fields` has the field of each cell in an image of the network's size, clipped at its borders.
Both are of all channels together; where groups of channels have different fields (a [route] with `groups`
after a concatenation), they are the largest.
"""

from __future__ import annotations

from dataclasses import dataclass

from darknet_py.arithmetic.field import FAR, Field
from darknet_py.arithmetic.window import Axis
from darknet_py.graph.graph import Graph


def fields(graph: Graph) -> list[Field]:
    """The receptive field of every layer, in order."""
    found: list[Field] = []
    for node in graph:
        window = node.layer.window(*node.maps)
        joined: Field | None = None
        for position, source in enumerate(node.inputs):
            seen = (found[source] if source >= 0 else Field()).then(window.on(position), node.shape)
            joined = joined.join(seen, node.shape) if joined else seen
        found.append(joined or Field())
    return found


def widest(graph: Graph) -> list[int]:
    """Rows and columns of the largest receptive field of an output."""
    seen = fields(graph)
    return [max(seen[i].reach[axis] for i in graph.outputs) for axis in (0, 1)]


@dataclass(frozen=True)
class PixelRanges:
    """For each cell along an axis of a map, the first and the last pixel of its receptive field."""

    firsts: tuple[int, ...]
    lasts: tuple[int, ...]

    def of(self, cell: int) -> tuple[int, int] | None:
        """First and last pixel, both inside the image; None for a cell with an empty field."""
        first, last = self.firsts[cell], self.lasts[cell]
        return (first, last) if first <= last else None

    @property
    def empty(self) -> bool:
        """Whether the fields of all cells are empty."""
        return all(first > last for first, last in zip(self.firsts, self.lasts, strict=True))

    @property
    def smallest(self) -> int:
        """The size in pixels of the smallest field."""
        return max(0, min(last - first + 1 for first, last in zip(self.firsts, self.lasts, strict=True)))

    def read(self, axis: Axis, cells: int) -> PixelRanges:
        """The fields of a map of `cells` cells that reads this one through a window."""
        count = len(self.firsts)
        taps = [axis.inside(cell, count) for cell in range(cells)]
        cuts = [slice(t.start, max(t.stop, 0), t.step) for t in taps]
        firsts = tuple(min(self.firsts[cut], default=FAR) for cut in cuts)
        return PixelRanges(firsts, tuple(max(self.lasts[cut], default=-FAR) for cut in cuts))

    def join(self, other: PixelRanges) -> PixelRanges:
        """The fields of cells that read two maps at the same position."""
        firsts = tuple(map(min, self.firsts, other.firsts))
        return PixelRanges(firsts, tuple(map(max, self.lasts, other.lasts)))


@dataclass(frozen=True)
class ClippedField:
    """The receptive fields of the cells of a map, clipped at the image's borders: rows and columns."""

    rows: PixelRanges
    columns: PixelRanges


def clipped_fields(graph: Graph) -> list[ClippedField]:
    """The clipped receptive field of every layer, in order."""
    pixels = [tuple(range(side)) for side in (graph.image.height, graph.image.width)]
    image = ClippedField(*(PixelRanges(side, side) for side in pixels))
    found: list[ClippedField] = []
    for node in graph:
        window = node.layer.window(*node.maps)
        joined: ClippedField | None = None
        for position, source in enumerate(node.inputs):
            here, seen = window.on(position), found[source] if source >= 0 else image
            rows = seen.rows.read(here.rows, node.shape.height)
            read = _both(rows, seen.columns.read(here.columns, node.shape.width))
            joined = (
                ClippedField(joined.rows.join(read.rows), joined.columns.join(read.columns))
                if joined
                else read
            )
        found.append(joined or image)
    return found


def _both(rows: PixelRanges, columns: PixelRanges) -> ClippedField:
    """Rows and columns, both empty where one is, as after a kernel that lies outside of its map."""
    if rows.empty or columns.empty:
        rows, columns = (
            PixelRanges(*((end,) * len(one.firsts) for end in (FAR, -FAR))) for one in (rows, columns)
        )
    return ClippedField(rows, columns)
