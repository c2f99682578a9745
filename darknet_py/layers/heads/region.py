"""`[region]`: the head of YOLOv2."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.diagnostics import Complaint, Severity
from darknet_py.cfg.keys import key, same_as
from darknet_py.layers.heads.head import UNLISTED, Head, anchor_pairs

if TYPE_CHECKING:
    from torch import Tensor

    from darknet_py.onnx_ops.head import Boxes
    from darknet_py.onnx_ops.nodes import Nodes
    from darknet_py.ops.cells import Floats, Predictions


class Region(Head, section="region"):
    """One box for each cell and anchor, anchors in cells of the map.

    x = (column + sigmoid(tx)) / columns, w = exp(tw) * anchor / columns. Redmon and Farhadi, "YOLO9000:
    better, faster, stronger", CVPR 2017, arXiv:1612.08242.

        [region]
        anchors = 0.57273, 0.677385, 1.87446, 2.06253, 3.33843, 5.47434, 7.88282, 3.52778, 9.77052, 9.16828
        classes = 80
        coords = 4
        num = 5
        softmax = 1
    """

    anchors: tuple[float, ...] = key(
        same_as("num", lambda num: (UNLISTED,) * (2 * num)),
        above=0,
        doc="width, height of each anchor",
        unit="cells",
    )
    coords: int = key(4, at_least=4, at_most=4, doc="coordinates of a box")
    softmax: bool = key(False, doc="classes exclude each other")
    thresh: float = key(0.5, doc="a box that overlaps a truth by more is not trained as background")
    object_scale: float = key(1.0, doc="weight of objectness at objects")
    noobject_scale: float = key(1.0, doc="weight of objectness elsewhere")
    class_scale: float = key(1.0, doc="weight of classes")
    coord_scale: float = key(1.0, doc="weight of boxes")
    mask_scale: float = key(1.0, doc="weight of masks", ignored="Darknet reads it and does not use it")
    bias_match: int = key(0, doc="1: ground truths are matched to anchors, not to predicted boxes")
    rescore: int = key(0, doc="1: objectness at objects follows the overlap")
    classfix: int = key(
        0,
        doc="1: boxes that overlap a ground truth learn its class, 2: in proportion to their objectness; "
        "-1: objectness follows the overlap everywhere",
    )
    absolute: int = key(0, doc="no effect, in Darknet either; published cfgs set it")
    log: int = key(0, doc="read and not used", ignored="Darknet does not use it")
    sqrt: int = key(0, doc="read and not used", ignored="Darknet does not use it")
    focal_loss: int = key(0, doc="focal loss of classes")
    background: int = key(
        0, doc="a class for background", refused="only pjreddie's Darknet has it; not implemented"
    )
    tree: str = key("", doc="file of a class tree", not_executable="class trees are not implemented")
    map: str = key("", doc="file that renumbers classes", ignored="Darknet uses it to evaluate YOLO9000")

    @property
    def pairs(self) -> tuple[tuple[float, float], ...]:
        """(width, height) of all `num` anchors, in cells."""
        return anchor_pairs(self.anchors, self.num)

    def check(self, *maps: Shape) -> Iterator[Complaint]:
        """Anchors in pairs, channels to match."""
        listed = len(self.anchors) // 2
        if len(self.anchors) != 2 * self.num:
            more = len(self.anchors) % 2 == 0 and listed > self.num
            severity: Severity = "warning" if more else "error"
            message = f"{len(self.anchors)} numbers for num={self.num} anchors"
            reason = f"expected {2 * self.num}, a width and a height each"
            if more:
                reason = f"the first {self.num} are used, as in Darknet; num={listed} would use all"
            yield Complaint(message, key="anchors", code="bad-anchors", reason=reason, severity=severity)
        wrong = self.channels_complaint(maps[0])
        if wrong:
            yield wrong

    def _cells(self, raw: Tensor) -> Tensor:
        """(N, H, W, A, entries): objectness through a sigmoid, classes through a softmax if asked; a copy."""
        n, _, h, w = raw.shape
        cells = raw.reshape(n, self.num, self.entries, h, w).permute(0, 3, 4, 1, 2).clone()
        cells[..., self.coords].sigmoid_()
        if self.softmax:
            cells[..., self.coords + 1 :] = cells[..., self.coords + 1 :].softmax(dim=-1)
        return cells

    def activate(self, raw: Tensor) -> Tensor:
        """Cell by cell, in the order of AlexeyAB's Darknet, with the shape of the map."""
        return self._cells(raw).reshape(raw.shape)

    def decode(self, raw: Tensor, net_height: int, net_width: int) -> tuple[Tensor, Tensor, Tensor]:
        """See `Head.decode`; without softmax, class scores are the raw numbers, as in AlexeyAB's Darknet."""
        from darknet_py.ops.head import cell_corners

        n, _, h, w = raw.shape
        cells, size = self._cells(raw), raw.new_tensor([w, h])
        boxes = cells[..., :4].clone()
        boxes[..., :2] = (boxes[..., :2].sigmoid() + cell_corners(raw)) / size
        boxes[..., 2:] = boxes[..., 2:].exp() * raw.new_tensor(self.pairs) / size
        scores = cells[..., self.coords + 1 :].reshape(n, -1, self.classes)
        return boxes.reshape(n, -1, 4), cells[..., self.coords].reshape(n, -1), scores

    def predictions(self, raw: Floats, net_size: tuple[int, int], *, threshold: float) -> Predictions:
        """See `Head.predictions`."""
        import numpy as np

        from darknet_py.ops.cells import Predictions, cells_above, exp, sigmoid, softmax

        cells = cells_above(raw, (self.num, self.entries), self.coords, threshold)
        size = np.array(raw.shape[:1:-1], raw.dtype)
        centres = (sigmoid(cells.entries[:, :2]) + cells.corners) / size
        sizes = exp(cells.entries[:, 2:4]) * np.array(self.pairs, raw.dtype)[cells.anchors] / size
        classes = cells.entries[:, self.coords + 1 :]
        classes = softmax(classes) if self.softmax else classes
        return Predictions(cells.images, np.concatenate([centres, sizes], axis=1), cells.objectness, classes)

    def onnx_boxes(self, nodes: Nodes, raw: str, images: str) -> Boxes:
        """See `Head.onnx_boxes`."""
        from darknet_py.onnx_ops.head import cells_of

        cells = cells_of(nodes, raw, images, (self.num, self.entries), self.classes)
        places, sizes, objectness, classes = cells.parts(2, 2, 1, self.classes)
        sizes = nodes.add("Mul", cells.sizes(sizes, self.pairs), cells.cell_px)
        scores = nodes.add("Softmax", classes, axis=3) if self.softmax else classes
        return cells.boxes(cells.centres(places), sizes, nodes.add("Sigmoid", objectness), scores)
