"""The base class of the heads of YOLOv3 and later: anchors in pixels, selected by a mask."""

from __future__ import annotations

from collections.abc import Iterator

from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.diagnostics import Complaint, Severity
from darknet_py.cfg.keys import key, same_as
from darknet_py.layers.heads.head import Head

IOUS = ("iou", "giou", "diou", "ciou")


class Anchored(Head):
    """One box for each cell and masked anchor."""

    mask: tuple[int, ...] = key(
        same_as("num", lambda num: tuple(range(num))), at_least=0, doc="the anchors of this head"
    )
    anchors: tuple[float, ...] = key(
        same_as("num", lambda num: (0.5,) * (2 * num)),
        above=0,
        doc="width, height of each anchor",
        unit="px of the input",
    )
    ignore_thresh: float = key(0.5, doc="a box that overlaps a truth by more is not trained as background")
    truth_thresh: float = key(1.0, doc="a box that overlaps a ground truth by more is assigned to it")
    iou_thresh: float = key(1.0, doc="further anchors this similar to a ground truth are assigned to it too")
    iou_thresh_kind: str = key("iou", one_of=IOUS, doc="similarity for iou_thresh")
    scale_x_y: float = key(1.0, above=0, doc="scales the position in the cell about its centre")
    iou_loss: str = key("mse", one_of=("mse", *IOUS), doc="loss of the boxes")
    iou_normalizer: float = key(0.75, doc="weight of the boxes' loss")
    obj_normalizer: float = key(1.0, doc="weight of objectness")
    cls_normalizer: float = key(
        1.0, doc="weight of a true class; unused without counters_per_class, as in Darknet"
    )
    delta_normalizer: float = key(1.0, doc="weight of all gradients of this head, as on Darknet's GPU")
    max_delta: float = key(3.4e38, above=0, doc="limit of the gradients of boxes by IoU")
    counters_per_class: tuple[float, ...] = key(
        (), doc="objects of each class, to give rare ones more weight"
    )
    label_smooth_eps: float = key(0.0, at_least=0, at_most=1, doc="label smoothing")
    objectness_smooth: bool = key(False, doc="objectness follows the overlap")
    beta_nms: float = key(0.6, at_least=0, doc="exponent of diounms")
    map: str = key("", doc="file that renumbers classes", ignored="Darknet uses it to evaluate YOLO9000")

    @property
    def boxes_per_cell(self) -> int:
        """One for each masked anchor."""
        return len(self.mask)

    @property
    def from_centre(self) -> float:
        """Offset of the predicted point from the centre, in widths and heights of the box."""
        return 0.0

    @property
    def masked(self) -> tuple[tuple[float, float], ...]:
        """(width, height) of this head's anchors, in pixels of the input."""
        return tuple((self.anchors[2 * m], self.anchors[2 * m + 1]) for m in self.mask)

    def check(self, *maps: Shape) -> Iterator[Complaint]:
        """Anchors in pairs, masks among them, channels to match.

        More anchors than `num` are a warning: Darknet makes room for `num` of them, and writes past its end.
        """
        listed = len(self.anchors) // 2
        if len(self.anchors) != 2 * self.num:
            message = f"{len(self.anchors)} numbers for num={self.num} anchors"
            more = len(self.anchors) % 2 == 0 and listed > self.num
            reason = f"expected {2 * self.num}, a width and a height each"
            reason += f"; all {listed} are used here, and Darknet writes past its memory" if more else ""
            severity: Severity = "warning" if more else "error"
            yield Complaint(message, key="anchors", code="bad-anchors", reason=reason, severity=severity)
        count = max(self.num, listed)
        if max(self.mask) >= count or len(set(self.mask)) < len(self.mask):
            message = f"mask={','.join(map(str, self.mask))} of num={count} anchors"
            yield Complaint(
                message, key="mask", code="out-of-range", reason="expected different numbers, counted from 0"
            )
        elif wrong := self.channels_complaint(maps[0]):
            yield wrong
        if self.counters_per_class and len(self.counters_per_class) != self.classes:
            message = f"{len(self.counters_per_class)} counters for {self.classes} classes"
            yield Complaint(message, key="counters_per_class", code="out-of-range")
