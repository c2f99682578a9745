"""`[detection]`: the head of YOLO's first version."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.diagnostics import Complaint
from darknet_py.cfg.keys import key
from darknet_py.layers.heads.head import Head

if TYPE_CHECKING:
    from torch import Tensor

    from darknet_py.onnx_ops.head import Boxes
    from darknet_py.onnx_ops.nodes import Nodes
    from darknet_py.ops.cells import Floats, Predictions

NO_LOSS = "the loss of [detection] is not implemented"


class DetectionHead(Head, section="detection"):
    """`num` boxes and one set of classes for each cell of a grid of `side` x `side`, without anchors.

    x = (column + tx) / side, w = tw² with `sqrt`, else tw. It reads one vector, a `[connected]`: the classes
    of all cells, then the objectness of all boxes, then their coordinates. Redmon, Divvala, Girshick and
    Farhadi, "You only look once: unified, real-time object detection", CVPR 2016, arXiv:1506.02640.

        [connected]
        output = 1470
        activation = linear

        [detection]
        classes = 20
        coords = 4
        side = 7
        num = 2
        sqrt = 1
    """

    classes: int = key(1, at_least=1, at_most=100_000, doc="number of classes")
    coords: int = key(at_least=4, at_most=4, doc="coordinates of a box; Darknet's default of 1 is no box")
    side: int = key(7, at_least=1, at_most=1024, doc="rows and columns of the grid", unit="cells")
    softmax: bool = key(False, doc="classes exclude each other")
    sqrt: bool = key(False, doc="width and height are predicted as their square roots")
    rescore: int = key(0, doc="objectness follows the overlap", ignored=NO_LOSS)
    forced: int = key(0, doc="ground truths are matched at random", ignored=NO_LOSS)
    object_scale: float = key(1.0, doc="weight of objectness at objects", ignored=NO_LOSS)
    noobject_scale: float = key(1.0, doc="weight of objectness elsewhere", ignored=NO_LOSS)
    class_scale: float = key(1.0, doc="weight of classes", ignored=NO_LOSS)
    coord_scale: float = key(1.0, doc="weight of boxes", ignored=NO_LOSS)
    reorg: int = key(0, doc="read and not used", ignored="Darknet does not use it")

    def check(self, *maps: Shape) -> Iterator[Complaint]:
        """The number of inputs must match the predictions."""
        needed = self.side**2 * (self.num * (self.coords + 1) + self.classes)
        source = maps[0]
        if source.floats == needed:
            return
        parts = f"{self.side}² cells x ({self.num} boxes x 5 + {self.classes} classes)"
        whole = needed % source.cells == 0
        yield Complaint(
            f"{source.floats} numbers should be {needed} = {parts}",
            key="output" if source.cells == 1 else "filters",
            code="bad-filters",
            reason="[detection] needs an input for every number it predicts",
            suggestion=str(needed // source.cells) if whole else "",
            reads=0,
        )

    def activate(self, raw: Tensor) -> Tensor:
        """The raw map; with `softmax`, the classes of each cell are normalised by it."""
        if not self.softmax:
            return raw
        flat, count = raw.flatten(1).clone(), self.side**2 * self.classes
        classes = flat[:, :count].reshape(-1, self.side**2, self.classes).softmax(dim=-1)
        flat[:, :count] = classes.flatten(1)
        return flat.reshape(raw.shape)

    def decode(self, raw: Tensor, net_height: int, net_width: int) -> tuple[Tensor, Tensor, Tensor]:
        """See `Head.decode`."""
        import torch

        from darknet_py.ops.head import cell_corners

        n, side, cells = len(raw), self.side, self.side**2
        parts = (cells * self.classes, cells * self.num, cells * self.num * self.coords)
        classes, objectness, found = torch.split(self.activate(raw).flatten(1), list(parts), dim=1)
        boxes = found.reshape(n, side, side, self.num, 4).clone()
        boxes[..., :2] = (boxes[..., :2] + cell_corners(raw.new_empty(1, 1, side, side))) / side
        if self.sqrt:
            boxes[..., 2:] = boxes[..., 2:] ** 2
        classes = classes.reshape(n, cells, 1, self.classes).expand(-1, -1, self.num, -1)
        return boxes.reshape(n, -1, 4), objectness, classes.reshape(n, -1, self.classes)

    def predictions(self, raw: Floats, net_size: tuple[int, int], *, threshold: float) -> Predictions:
        """See `Head.predictions`."""
        import numpy as np

        from darknet_py.ops.cells import Predictions, softmax

        n, side, cells = len(raw), self.side, self.side**2
        ends = [cells * self.classes, cells * (self.classes + self.num)]
        classes, objectness, found = np.split(raw.reshape(n, -1), ends, axis=1)
        images, at = np.nonzero((objectness > threshold) | ~np.isfinite(objectness))
        cell = at // self.num
        boxes = found.reshape(n, -1, self.coords)[images, at]
        corners = np.stack([cell % side, cell // side], axis=1).astype(raw.dtype)
        sizes = boxes[:, 2:] ** 2 if self.sqrt else boxes[:, 2:]
        boxes = np.concatenate([(boxes[:, :2] + corners) / side, sizes], axis=1)
        shares = classes.reshape(n, cells, self.classes)[images, cell]
        shares = softmax(shares) if self.softmax else shares
        return Predictions(images, boxes, objectness[images, at], shares)

    def onnx_boxes(self, nodes: Nodes, raw: str, images: str) -> Boxes:
        """See `Head.onnx_boxes`."""
        from darknet_py.onnx_ops.head import boxes_of_vector

        return boxes_of_vector(
            nodes, raw, images, (self.side, self.num, self.classes), (self.sqrt, self.softmax)
        )
