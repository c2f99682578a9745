"""What every node sees of the image: folds over the graph, with windows that compose.

`fields` has the receptive field as the word is used: of a cell far from the borders, in an image without
bounds. `sights` has what each cell of this network sees of this image: at a border less, and in no case more
than there is. Both are of all channels together; where groups of channels see different things (a [route]
with `groups` after a concatenation), they are what the channels see that see most.
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
    """Rows and columns that one cell of the output that sees most sees of the image."""
    seen = fields(graph)
    return [max(seen[i].reach[axis] for i in graph.outputs) for axis in (0, 1)]


@dataclass(frozen=True)
class Stretches:
    """For each cell along an axis of a map, the first and the last pixel of the image that it sees."""

    firsts: tuple[int, ...]
    lasts: tuple[int, ...]

    def of(self, cell: int) -> tuple[int, int] | None:
        """First and last pixel, both inside the image; None for a cell that sees nothing of it."""
        first, last = self.firsts[cell], self.lasts[cell]
        return (first, last) if first <= last else None

    @property
    def blind(self) -> bool:
        """Whether no cell sees anything."""
        return all(first > last for first, last in zip(self.firsts, self.lasts, strict=True))

    @property
    def least(self) -> int:
        """Pixels from the first to the last, of the cell for which they are fewest."""
        return max(0, min(last - first + 1 for first, last in zip(self.firsts, self.lasts, strict=True)))

    def read(self, axis: Axis, cells: int) -> Stretches:
        """What the `cells` cells of a map see that reads this one through a window."""
        count = len(self.firsts)
        taps = [axis.inside(cell, count) for cell in range(cells)]
        cuts = [slice(t.start, max(t.stop, 0), t.step) for t in taps]
        firsts = tuple(min(self.firsts[cut], default=FAR) for cut in cuts)
        return Stretches(firsts, tuple(max(self.lasts[cut], default=-FAR) for cut in cuts))

    def join(self, other: Stretches) -> Stretches:
        """What cells see that read two maps of the same place."""
        firsts = tuple(map(min, self.firsts, other.firsts))
        return Stretches(firsts, tuple(map(max, self.lasts, other.lasts)))


@dataclass(frozen=True)
class Sight:
    """What the cells of a map see of this image, no further than its borders: rows and columns."""

    rows: Stretches
    columns: Stretches


def sights(graph: Graph) -> list[Sight]:
    """What each cell of every layer sees of an image of the network's size."""
    pixels = [tuple(range(side)) for side in (graph.image.height, graph.image.width)]
    image = Sight(*(Stretches(side, side) for side in pixels))
    found: list[Sight] = []
    for node in graph:
        window = node.layer.window(*node.maps)
        joined: Sight | None = None
        for position, source in enumerate(node.inputs):
            here, seen = window.on(position), found[source] if source >= 0 else image
            rows = seen.rows.read(here.rows, node.shape.height)
            read = _both(rows, seen.columns.read(here.columns, node.shape.width))
            joined = Sight(joined.rows.join(read.rows), joined.columns.join(read.columns)) if joined else read
        found.append(joined or image)
    return found


def _both(rows: Stretches, columns: Stretches) -> Sight:
    """Where no row sees anything, as after a kernel that lies beside its map, no column does."""
    if rows.blind or columns.blind:
        rows, columns = (
            Stretches(*((end,) * len(one.firsts) for end in (FAR, -FAR))) for one in (rows, columns)
        )
    return Sight(rows, columns)
