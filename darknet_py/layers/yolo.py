"""`[yolo]`: the head of YOLOv3 and later."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.diagnostics import Complaint
from darknet_py.cfg.keys import key, same_as
from darknet_py.layers.head import Head

if TYPE_CHECKING:
    from torch import Tensor

IOUS = ("iou", "giou", "diou", "ciou")
SHARING = ("neighbours", "simota")  # assigners that give a truth to several boxes, of all heads
TRACKING = "tracking is not built"


class Yolo(Head, section="yolo"):
    """One box for each cell and masked anchor: place in the cell, size by the anchor, objectness, classes.

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

    mask: tuple[int, ...] = key(
        same_as("num", lambda num: tuple(range(num))), at_least=0, doc="the anchors of this head"
    )
    anchors: tuple[float, ...] = key(
        same_as("num", lambda num: (0.5,) * (2 * num)),
        above=0,
        doc="width, height of each anchor",
        unit="px of the input",
    )
    ignore_thresh: float = key(0.5, doc="a box that overlaps a truth by more is not taught to be background")
    truth_thresh: float = key(1.0, doc="a box that overlaps a truth by more is taught to be it")
    iou_thresh: float = key(1.0, doc="further anchors this similar to a truth are taught too")
    iou_thresh_kind: str = key("iou", one_of=IOUS, doc="similarity for iou_thresh")
    assigner: str = key(
        "darknet",
        one_of=("darknet", *SHARING),
        doc="which boxes a truth teaches; all but darknet with exact gradients, ours alone",
    )
    scale_x_y: float = key(1.0, above=0, doc="stretches the place in the cell about its centre")
    new_coords: bool = key(False, doc="Scaled-YOLOv4's coordinates")
    iou_loss: str = key("mse", one_of=("mse", *IOUS), doc="what moves boxes in training")
    iou_normalizer: float = key(0.75, doc="weight of the boxes' loss")
    obj_normalizer: float = key(1.0, doc="weight of objectness")
    cls_normalizer: float = key(
        1.0, doc="weight of a true class; inert without counters_per_class, as in Darknet"
    )
    delta_normalizer: float = key(
        1.0, doc="weight of all gradients", ignored="honoured by Darknet's GPU code alone"
    )
    max_delta: float = key(3.4e38, above=0, doc="limit of the gradients of boxes by IoU")
    counters_per_class: tuple[float, ...] = key((), doc="objects of each class, to weigh rare ones up")
    label_smooth_eps: float = key(0.0, at_least=0, at_most=1, doc="label smoothing")
    objectness_smooth: bool = key(False, doc="objectness follows the overlap")
    focal_loss: bool = key(False, doc="focal loss of classes")
    nms_kind: str = key("default", one_of=("default", "greedynms", "diounms"), doc="how boxes are thinned")
    beta_nms: float = key(0.6, at_least=0, doc="exponent of diounms")
    show_details: int = key(1, doc="which cost Darknet prints")
    uc_normalizer: float = key(
        1.0, doc="weight of uncertainty", ignored="a key of [Gaussian_yolo]; Darknet ignores it here too"
    )
    beta1: float = key(0.6, doc="read by nobody", ignored="Darknet ignores it too; it reads beta_nms")
    map: str = key("", doc="file that renumbers classes", ignored="Darknet uses it to evaluate YOLO9000")
    embedding_layer: int = key(999999, doc="layer of appearance", ignored=TRACKING)
    track_history_size: int = key(5, doc="frames remembered", ignored=TRACKING)
    sim_thresh: float = key(0.8, doc="similarity of tracks", ignored=TRACKING)
    dets_for_track: int = key(1, doc="detections that make a track", ignored=TRACKING)
    dets_for_show: int = key(1, doc="detections that are shown", ignored=TRACKING)
    track_ciou_norm: float = key(0.01, doc="weight of overlap in tracking", ignored=TRACKING)

    @property
    def boxes_per_cell(self) -> int:
        """One for each masked anchor."""
        return len(self.mask)

    @property
    def entries(self) -> int:
        """x, y, w, h, objectness, classes."""
        return 5 + self.classes

    @property
    def masked(self) -> tuple[tuple[float, float], ...]:
        """(width, height) of this head's anchors, in pixels of the input."""
        return tuple((self.anchors[2 * m], self.anchors[2 * m + 1]) for m in self.mask)

    def check(self, *maps: Shape) -> Iterator[Complaint]:
        """Anchors in pairs, masks among them, channels to match."""
        if len(self.anchors) != 2 * self.num:
            message = f"{len(self.anchors)} numbers for num={self.num} anchors"
            reason = f"expected {2 * self.num}, a width and a height each"
            yield Complaint(message, key="anchors", code="bad-anchors", reason=reason)
        if max(self.mask) >= self.num or len(set(self.mask)) < len(self.mask):
            message = f"mask={','.join(map(str, self.mask))} of num={self.num} anchors"
            yield Complaint(
                message, key="mask", code="out-of-range", reason="expected different numbers, counted from 0"
            )
        wrong = self.fits(maps[0])
        if wrong:
            yield wrong
        if self.assigner in SHARING and self.iou_loss == "mse":
            message = f"assigner={self.assigner} with iou_loss=mse"
            reason = (
                "its loss is of overlaps, so training is refused until iou_loss is ciou, giou, diou or iou"
            )
            yield Complaint(message, key="assigner", code="bad-assigner", reason=reason, severity="warning")
        if self.counters_per_class and len(self.counters_per_class) != self.classes:
            message = f"{len(self.counters_per_class)} counters for {self.classes} classes"
            yield Complaint(message, key="counters_per_class", code="out-of-range")

    def held(self, raw: Tensor) -> Tensor:
        """Sigmoid of x, y, objectness and classes (unless new_coords), then scale_x_y."""
        n, c, h, w = raw.shape
        boxes = raw.reshape(n, self.boxes_per_cell, self.entries, h, w).clone()
        places = boxes[:, :, :2] if self.new_coords else boxes[:, :, :2].sigmoid()
        boxes[:, :, :2] = places * self.scale_x_y - 0.5 * (self.scale_x_y - 1)
        if not self.new_coords:
            boxes[:, :, 4:].sigmoid_()  # the last change: its gradient needs what it leaves
        return boxes.reshape(n, c, h, w)

    def decode(self, raw: Tensor, net_height: int, net_width: int) -> tuple[Tensor, Tensor, Tensor]:
        """See `Head.decode`."""
        from darknet_py.layers.head_modules import cell_corners

        n, _, h, w = raw.shape
        values = self.held(raw).view(n, self.boxes_per_cell, self.entries, h, w).permute(0, 3, 4, 1, 2)
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
