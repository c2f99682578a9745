"""`[yolo]`: the head of YOLOv3 and later."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.diagnostics import Complaint
from darknet_py.cfg.keys import key
from darknet_py.layers.heads.anchored import Anchored

if TYPE_CHECKING:
    from torch import Tensor

    from darknet_py.onnx_ops.head import Boxes
    from darknet_py.onnx_ops.nodes import Nodes
    from darknet_py.ops.cells import Floats, Predictions

SHARING = ("neighbours", "simota")  # assigners that assign a ground truth to several boxes, of all heads
TRACKING = "tracking is not implemented"


class Yolo(Anchored, section="yolo"):
    """One box for each cell and masked anchor: position in the cell, size by the anchor, objectness, classes.

    x = (column + sigmoid(tx)) / columns, w = exp(tw) * anchor / input width. Redmon and Farhadi, "YOLOv3: an
    incremental improvement", 2018, arXiv:1804.02767. With `new_coords` the layer before is logistic already
    and w = (2 tw)² * anchor / input width: Wang, Bochkovskiy and Liao, "Scaled-YOLOv4", CVPR 2021,
    arXiv:2011.08036.

        [yolo]
        mask = 3,4,5
        anchors = 10,14, 23,27, 37,58, 81,82, 135,169, 344,319
        classes = 80
        num = 6
    """

    other_names = "yolov3 yolov4 yolo_layer yolo_head detect yolov3_head yolov4_head"

    assigner: str = key(
        "darknet",
        one_of=("darknet", *SHARING),
        doc="how ground truths are assigned to boxes; all but darknet with exact gradients, not in Darknet",
    )
    new_coords: bool = key(False, doc="Scaled-YOLOv4's coordinates")
    focal_loss: bool = key(False, doc="focal loss of classes")
    nms_kind: str = key(
        "default", one_of=("default", "greedynms", "diounms"), doc="kind of non-maximum suppression"
    )
    show_details: int = key(1, doc="which cost Darknet prints")
    uc_normalizer: float = key(
        1.0, doc="weight of uncertainty", ignored="a key of [Gaussian_yolo]; Darknet ignores it here too"
    )
    beta1: float = key(0.6, doc="not used", ignored="Darknet ignores it too; it reads beta_nms")
    embedding_layer: int = key(999999, doc="layer of appearance", ignored=TRACKING, refers=True)
    track_history_size: int = key(5, doc="frames remembered", ignored=TRACKING)
    sim_thresh: float = key(0.8, doc="similarity of tracks", ignored=TRACKING)
    dets_for_track: int = key(1, doc="detections that make a track", ignored=TRACKING)
    dets_for_show: int = key(1, doc="detections that are shown", ignored=TRACKING)
    track_ciou_norm: float = key(0.01, doc="weight of overlap in tracking", ignored=TRACKING)

    def check(self, *maps: Shape) -> Iterator[Complaint]:
        """Anchors, masks and channels that fit, and a loss that the assigner has."""
        yield from super().check(*maps)
        if self.assigner in SHARING and self.iou_loss == "mse":
            message = f"assigner={self.assigner} with iou_loss=mse"
            reason = "its loss is of overlaps; training is refused until iou_loss is ciou, giou, diou or iou"
            yield Complaint(message, key="assigner", code="bad-assigner", reason=reason, severity="warning")

    def activate(self, raw: Tensor) -> Tensor:
        """Sigmoid of x, y, objectness and classes (unless new_coords), then scale_x_y."""
        n, c, h, w = raw.shape
        boxes = raw.reshape(n, self.boxes_per_cell, self.entries, h, w).clone()
        places = boxes[:, :, :2] if self.new_coords else boxes[:, :, :2].sigmoid()
        boxes[:, :, :2] = places * self.scale_x_y - 0.5 * (self.scale_x_y - 1)
        if not self.new_coords:
            boxes[:, :, 4:].sigmoid_()  # in place, so it comes last: its gradient needs its output
        return boxes.reshape(n, c, h, w)

    def decode(self, raw: Tensor, net_height: int, net_width: int) -> tuple[Tensor, Tensor, Tensor]:
        """See `Head.decode`."""
        from darknet_py.ops.head import cell_corners

        n, _, h, w = raw.shape
        values = self.activate(raw).view(n, self.boxes_per_cell, self.entries, h, w).permute(0, 3, 4, 1, 2)
        anchors = raw.new_tensor(self.masked) / raw.new_tensor([net_width, net_height])
        sizes = values[..., 2:4]
        sizes = (2 * sizes) ** 2 if self.new_coords else sizes.exp()
        boxes = values.new_empty(*values.shape[:-1], 4)
        boxes[..., :2] = (values[..., :2] + cell_corners(raw)) / raw.new_tensor([w, h])
        boxes[..., 2:] = sizes * anchors
        return (
            boxes.reshape(n, -1, 4),
            values[..., 4].reshape(n, -1),
            values[..., 5:].reshape(n, -1, self.classes),
        )

    def predictions(self, raw: Floats, net_size: tuple[int, int], *, threshold: float) -> Predictions:
        """See `Head.predictions`."""
        import numpy as np

        from darknet_py.ops.cells import Predictions, cells_above, exp, sigmoid

        shape, logistic = (self.boxes_per_cell, self.entries), self.new_coords
        cells = cells_above(raw, shape, 4, threshold, activated=logistic)
        places, sizes, _, classes = np.split(cells.entries, [2, 4, 5], axis=1)
        places = places if logistic else sigmoid(places)
        places = places * self.scale_x_y - 0.5 * (self.scale_x_y - 1)
        anchors = np.array(self.masked, raw.dtype) / np.array(net_size[::-1], raw.dtype)
        sizes = ((2 * sizes) ** 2 if logistic else exp(sizes)) * anchors[cells.anchors]
        centres = (places + cells.corners) / np.array(raw.shape[:1:-1], raw.dtype)
        boxes = np.concatenate([centres, sizes], axis=1)
        return Predictions(cells.images, boxes, cells.objectness, classes if logistic else sigmoid(classes))

    def onnx_boxes(self, nodes: Nodes, raw: str, images: str) -> Boxes:
        """See `Head.onnx_boxes`."""
        from darknet_py.onnx_ops.head import cells_of

        logistic = self.new_coords
        cells = cells_of(nodes, raw, images, (self.boxes_per_cell, self.entries), self.classes)
        places, sizes, objectness, classes = cells.parts(2, 2, 1, self.classes)
        centres = cells.centres(places, self.scale_x_y, activated=logistic)
        boxes = centres, cells.sizes(sizes, self.masked, squared=logistic)
        scores = (s if logistic else nodes.add("Sigmoid", s) for s in (objectness, classes))
        return cells.boxes(*boxes, *scores)
