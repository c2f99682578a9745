"""`[Gaussian_yolo]`: a head that predicts the uncertainty of each coordinate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.diagnostics import Complaint
from darknet_py.cfg.keys import key
from darknet_py.layers.heads.anchored import Anchored

if TYPE_CHECKING:
    from torch import Tensor

    from darknet_py.onnx_ops.head import Boxes
    from darknet_py.onnx_ops.nodes import Nodes
    from darknet_py.ops.cells import Floats, Predictions

PLACES, SIZES, UNCERTAINTIES = slice(0, 4, 2), slice(4, 8, 2), slice(1, 8, 2)  # of x, ux, y, uy, w, uw, h, uh


class GaussianYolo(Anchored, section="Gaussian_yolo"):
    """A `[yolo]` whose coordinates are normal distributions: each has a mean, and a deviation u of 0 to 1.

    A score is objectness * class * (1 - mean of the four u), so that boxes with an uncertain position
    score lower. Choi, Chun, Kim and Lee, "Gaussian YOLOv3: an accurate and fast object detector using
    localization uncertainty for autonomous driving", ICCV 2019, arXiv:1904.04620.

        [Gaussian_yolo]
        mask = 3,4,5
        anchors = 10,14, 23,27, 37,58, 81,82, 135,169, 344,319
        classes = 80
        num = 6
    """

    beyond_num: ClassVar[str] = "; Darknet writes the others past its memory"
    other_names = "gaussian_yolov3 gaussianyolo"

    uc_normalizer: float = key(1.0, doc="weight of the loss of uncertainty")
    yolo_point: str = key(
        "center",
        one_of=("center", "left_top", "right_bottom"),
        doc="the point of a box that x and y predict, and whose cell is assigned the box",
    )
    nms_kind: str = key(
        "default",
        one_of=("default", "greedynms", "diounms", "cornersnms"),
        doc="kind of non-maximum suppression",
    )

    @property
    def entries(self) -> int:
        """x, y, w, h, each with its deviation, objectness, classes."""
        return 9 + self.classes

    @property
    def from_centre(self) -> float:
        """The offset of `yolo_point`."""
        return {"center": 0.0, "left_top": -0.5, "right_bottom": 0.5}[self.yolo_point]

    def check(self, *maps: Shape) -> Iterator[Complaint]:
        """The checks of every head with anchors, and that the loss supports corners."""
        yield from super().check(*maps)
        if self.from_centre and self.iou_loss != "mse":
            message = f"yolo_point={self.yolo_point} with iou_loss={self.iou_loss}"
            reason = "Darknet's gradient of an overlap is not that of a corner: boxes diverge; use mse"
            yield Complaint(message, key="yolo_point", severity="warning", reason=reason)

    def activate(self, raw: Tensor) -> Tensor:
        """Sigmoid of all but w and h, then scale_x_y of x and y."""
        n, c, h, w = raw.shape
        boxes = raw.reshape(n, self.boxes_per_cell, self.entries, h, w)
        values = boxes.clone()
        values[:, :, PLACES] = boxes[:, :, PLACES].sigmoid() * self.scale_x_y - 0.5 * (self.scale_x_y - 1)
        for part in (UNCERTAINTIES, slice(8, None)):
            values[:, :, part] = boxes[:, :, part].sigmoid()
        return values.reshape(n, c, h, w)

    def decode(self, raw: Tensor, net_height: int, net_width: int) -> tuple[Tensor, Tensor, Tensor]:
        """See `Head.decode`; classes are multiplied by the certainty of the box."""
        from darknet_py.ops.head import cell_corners

        n, _, h, w = raw.shape
        values = self.activate(raw).view(n, self.boxes_per_cell, self.entries, h, w).permute(0, 3, 4, 1, 2)
        boxes = values.new_empty(*values.shape[:-1], 4)
        anchors = raw.new_tensor(self.masked) / raw.new_tensor([net_width, net_height])
        boxes[..., 2:] = values[..., SIZES].exp() * anchors
        points = (values[..., PLACES] + cell_corners(raw)) / raw.new_tensor([w, h])
        boxes[..., :2] = points - self.from_centre * boxes[..., 2:]
        certain = 1 - values[..., UNCERTAINTIES].mean(dim=-1, keepdim=True)
        return (
            boxes.reshape(n, -1, 4),
            values[..., 8].reshape(n, -1),
            (values[..., 9:] * certain).reshape(n, -1, self.classes),
        )

    def predictions(self, raw: Floats, net_size: tuple[int, int], *, threshold: float) -> Predictions:
        """See `Head.predictions`."""
        import numpy as np

        from darknet_py.ops.cells import Predictions, cells_above, exp, sigmoid

        cells = cells_above(raw, (self.boxes_per_cell, self.entries), 8, threshold)
        anchors = np.array(self.masked, raw.dtype) / np.array(net_size[::-1], raw.dtype)
        sizes = exp(cells.entries[:, SIZES]) * anchors[cells.anchors]
        places = sigmoid(cells.entries[:, PLACES]) * self.scale_x_y - 0.5 * (self.scale_x_y - 1)
        points = (places + cells.corners) / np.array(raw.shape[:1:-1], raw.dtype)
        boxes = np.concatenate([points - self.from_centre * sizes, sizes], axis=1)
        certain = 1 - sigmoid(cells.entries[:, UNCERTAINTIES]).mean(axis=1, keepdims=True)
        classes = sigmoid(cells.entries[:, 9:]) * certain
        return Predictions(cells.images, boxes, cells.objectness, classes)

    def onnx_boxes(self, nodes: Nodes, raw: str, images: str) -> Boxes:
        """See `Head.onnx_boxes`."""
        from darknet_py.onnx_ops.head import cells_of

        cells = cells_of(nodes, raw, images, (self.boxes_per_cell, self.entries), self.classes)
        x, ux, y, uy, w, uw, h, uh, objectness, classes = cells.parts(*(1,) * 9, self.classes)
        points = cells.centres(nodes.add("Concat", x, y, axis=3), self.scale_x_y)
        sizes = cells.sizes(nodes.add("Concat", w, h, axis=3), self.masked)
        offset = nodes.add("Mul", sizes, nodes.constant(self.from_centre))
        uncertain = nodes.add("Sigmoid", nodes.add("Concat", ux, uy, uw, uh, axis=3))
        certain = nodes.add(
            "Sub", nodes.constant(1), nodes.add("ReduceMean", uncertain, axes=[3], keepdims=1)
        )
        scores = nodes.add("Mul", nodes.add("Sigmoid", classes), certain)
        return cells.boxes(nodes.add("Sub", points, offset), sizes, nodes.add("Sigmoid", objectness), scores)
