"""The base class of the heads of YOLOv3 and later: anchors in pixels, selected by a mask."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.diagnostics import Complaint
from darknet_py.cfg.keys import key, same_as
from darknet_py.layers.heads.head import UNLISTED, Head, anchor_pairs

IOUS = ("iou", "giou", "diou", "ciou")


class Anchored(Head):
    """One box for each cell and masked anchor.

    Attributes:
        beyond_num: what Darknet does with more pairs than `num`.
    """

    beyond_num: ClassVar[str] = ", as in AlexeyAB's Darknet; pjreddie's writes the others past its memory"

    mask: tuple[int, ...] = key(
        same_as("num", lambda num: tuple(range(num))), at_least=0, doc="the anchors of this head"
    )
    anchors: tuple[float, ...] = key(
        same_as("num", lambda num: (UNLISTED,) * (2 * num)),
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
    def pairs(self) -> tuple[tuple[float, float], ...]:
        """(width, height) of all `num` anchors, in pixels of the input; ground truths are matched to them."""
        return anchor_pairs(self.anchors, self.num)

    @property
    def masked(self) -> tuple[tuple[float, float], ...]:
        """(width, height) of this head's anchors, in pixels of the input."""
        pairs = self.pairs
        return tuple(pairs[m] for m in self.mask)

    def check(self, *maps: Shape) -> Iterator[Complaint]:
        """Anchors in pairs, masks among them, channels to match."""
        if max(self.mask) >= max(self.num, len(self.anchors) // 2) or len(set(self.mask)) < len(self.mask):
            message = f"mask={','.join(map(str, self.mask))} of num={self.num} anchors"
            reason = "expected different numbers, counted from 0"
            yield Complaint(message, key="mask", code="out-of-range", reason=reason)
        else:
            if len(self.anchors) != 2 * self.num:
                yield self._miscounted()
            if wrong := self.channels_complaint(maps[0]):
                yield wrong
        if self.counters_per_class and len(self.counters_per_class) != self.classes:
            message = f"{len(self.counters_per_class)} counters for {self.classes} classes"
            yield Complaint(message, key="counters_per_class", code="out-of-range")

    def _miscounted(self) -> Complaint:
        """An error where the mask has an anchor that Darknet does not read, else a warning."""
        listed, last = len(self.anchors) // 2, max(self.mask)
        message = f"{len(self.anchors)} numbers for num={self.num} anchors"
        if last >= self.num:
            message = f"the mask has anchor {last}, {listed} pairs are listed, and num={self.num}"
            reason = f"Darknet reads {self.num} pairs, and takes anchor {last} from what its memory holds; "
            guess = str(listed) if self.num > 1 else ""  # else it is probably not written
            reason += f"expected num={listed}"
            return Complaint(message, key="num", code="bad-anchors", reason=reason, suggestion=guess)
        if len(self.anchors) % 2 or last >= listed:
            reason = f"expected {2 * self.num}, a width and a height each"
            reason += "" if len(self.anchors) % 2 else f"; the mask has anchor {last}"
            return Complaint(message, key="anchors", code="bad-anchors", reason=reason)
        if listed < self.num:
            reason = f"Darknet takes {UNLISTED} x {UNLISTED} px for the other {self.num - listed}, as here; "
            reason += "no box is predicted from them"
        else:
            reason = f"the first {self.num} pairs are used{self.beyond_num}; num={listed} would use all"
        return Complaint(message, key="anchors", code="bad-anchors", reason=reason, severity="warning")
