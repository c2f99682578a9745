"""The boxes of a head as ONNX nodes: what `Head.decode` computes, in pixels of the input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from darknet_py.onnx_ops.nodes import Nodes

Pairs = Sequence[tuple[float, float]]


class Boxes(NamedTuple):
    """Names of a head's predictions: boxes_cxcywh_px (N, B, 4), objectness (N, B, 1), classes (N, B, K)."""

    boxes_cxcywh_px: str
    objectness: str
    classes: str


@dataclass
class Cells:
    """The entries of every box of a raw map, and where its cell is.

    Args:
        entries: (N, H * W, A, E).
        corners: (H * W, 1, 2), x and y of each cell's corner in cells.
        cell_px: (2,), width and height of a cell.
        image_px: (2,), width and height of the input.
        classes: K.
    """

    nodes: Nodes
    entries: str
    corners: str
    cell_px: str
    image_px: str
    classes: int

    def parts(self, *lengths: int) -> list[str]:
        """The entries divided along their last axis."""
        nodes = self.nodes
        return nodes.add_many("Split", len(lengths), self.entries, nodes.integers(*lengths), axis=3)

    def centres(self, x_y: str, scale: float = 1.0, *, activated: bool = False) -> str:
        """(N, H * W, A, 2): positions in the cell, scaled about its centre, in pixels."""
        nodes = self.nodes
        x_y = x_y if activated else nodes.add("Sigmoid", x_y)
        if scale != 1:
            x_y = nodes.add("Mul", x_y, nodes.constant(scale))
            x_y = nodes.add("Sub", x_y, nodes.constant(0.5 * (scale - 1)))
        return nodes.add("Mul", nodes.add("Add", x_y, self.corners), self.cell_px)

    def sizes(self, w_h: str, anchors: Pairs, *, squared: bool = False) -> str:
        """(N, H * W, A, 2): exp, or with `squared` (2 x)², times the anchors."""
        nodes = self.nodes
        if squared:
            twice = nodes.add("Add", w_h, w_h)
            return nodes.add("Mul", nodes.add("Mul", twice, twice), nodes.constant(anchors, "anchors"))
        return nodes.add("Mul", nodes.add("Exp", w_h), nodes.constant(anchors, "anchors"))

    def boxes(self, centres: str, sizes: str, objectness: str, classes: str) -> Boxes:
        """The predictions of the head, each box in a row: rows, columns, anchors."""
        boxes = self.nodes.add("Concat", centres, sizes, axis=3)
        parts = ((boxes, 4), (objectness, 1), (classes, self.classes))
        return Boxes(*(_rows(self.nodes, part, length) for part, length in parts))


def _rows(nodes: Nodes, x: str, length: int) -> str:
    """(N, H * W, A, E) -> (N, H * W * A, E)."""
    return nodes.add("Reshape", x, nodes.integers(0, -1, length))


def cells_of(nodes: Nodes, raw: str, images: str, shape: tuple[int, int], classes: int) -> Cells:
    """Arrange a raw map (N, A * E, H, W) by cells; nothing depends on the size of the map.

    Args:
        images: the input, for its size.
        shape: (A, E), boxes of a cell and numbers of a box.
        classes: K.
    """
    split = nodes.add("Reshape", raw, nodes.integers(0, *shape, -1))
    entries = nodes.add("Transpose", split, perm=[0, 3, 1, 2])
    rows, columns = (nodes.add("Gather", nodes.add("Shape", raw), nodes.scalar(axis)) for axis in (2, 3))
    count = nodes.add("Mul", rows, columns)
    number = nodes.add("Range", nodes.scalar(0), count, nodes.scalar(1))
    y = nodes.add("Div", number, columns)
    x = nodes.add("Sub", number, nodes.add("Mul", y, columns))
    x_y = [nodes.add("Unsqueeze", side, nodes.integers(1, 2)) for side in (x, y)]
    corners = nodes.add("Cast", nodes.add("Concat", *x_y, axis=2), to=1)
    image_px, map_cells = (_width_height(nodes, map_) for map_ in (images, raw))
    return Cells(nodes, entries, corners, nodes.add("Div", image_px, map_cells), image_px, classes)


def boxes_of_vector(
    nodes: Nodes, raw: str, images: str, shape: tuple[int, int, int], settings: tuple[bool, bool]
) -> Boxes:
    """Boxes of the vector of a [detection]: classes of all cells, then objectness, then boxes.

    Args:
        shape: (side, A, K): cells of a row, boxes of a cell, classes.
        settings: whether sizes are squared, and whether classes go through a softmax.
    """
    (side, anchors, classes), (squared, softmax) = shape, settings
    ends = nodes.integers(*(side**2 * n for n in (classes, anchors, 4 * anchors)))
    shares, objectness, found = nodes.add_many("Split", 3, nodes.add("Flatten", raw), ends, axis=1)
    shares = nodes.add("Reshape", shares, nodes.integers(0, side**2, 1, classes))
    shares = nodes.add("Softmax", shares, axis=3) if softmax else shares
    shares = nodes.add("Expand", shares, nodes.integers(1, 1, anchors, 1))
    found = nodes.add("Reshape", found, nodes.integers(0, side**2, anchors, 4))
    x_y, w_h = nodes.add_many("Split", 2, found, nodes.integers(2, 2), axis=3)
    corners = [[[cell % side, cell // side]] for cell in range(side**2)]
    image_px = _width_height(nodes, images)
    cell_px = nodes.add("Mul", image_px, nodes.constant(1 / side))
    centres = nodes.add("Mul", nodes.add("Add", x_y, nodes.constant(corners, "corners")), cell_px)
    w_h = nodes.add("Mul", nodes.add("Mul", w_h, w_h) if squared else w_h, image_px)
    objectness = nodes.add("Reshape", objectness, nodes.integers(0, -1, 1))
    boxes = nodes.add("Concat", centres, w_h, axis=3)
    return Boxes(_rows(nodes, boxes, 4), objectness, _rows(nodes, shares, classes))


def _width_height(nodes: Nodes, x: str) -> str:
    """Columns and rows of a map as floats, (2,)."""
    sides = nodes.add("Gather", nodes.add("Shape", x), nodes.integers(3, 2))
    return nodes.add("Cast", sides, to=1)
