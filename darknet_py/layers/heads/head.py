"""The base class of layers that predict boxes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.diagnostics import Complaint, Refused
from darknet_py.cfg.keys import key
from darknet_py.layers.base import Layer
from darknet_py.layers.transforms.activations import NO_ONNX

if TYPE_CHECKING:
    from torch import Tensor

    from darknet_py.onnx_ops.head import Boxes
    from darknet_py.onnx_ops.nodes import Nodes
    from darknet_py.ops.cells import Floats, Predictions

UNLISTED = 0.5  # width and height of an anchor that `anchors` does not list, as in Darknet


def anchor_pairs(anchors: Sequence[float], num: int) -> tuple[tuple[float, float], ...]:
    """The `num` anchors that Darknet holds: of more pairs the first; of fewer, the rest is `UNLISTED`.

    >>> anchor_pairs([10, 14, 23, 27], 1), anchor_pairs([10, 14], 2)
    (((10, 14),), ((10, 14), (0.5, 0.5)))
    """
    listed = list(zip(anchors[::2], anchors[1::2], strict=False))[:num]
    return (*listed, *[(UNLISTED, UNLISTED)] * (num - len(listed)))


class Head(Layer, ABC):
    """A layer that predicts boxes from a map. Its module returns the raw map; these methods interpret it."""

    category = "head"

    classes: int = key(20, at_least=1, at_most=100_000, doc="number of classes")
    num: int = key(1, at_least=1, at_most=1024, doc="number of anchors")
    jitter: float = key(
        0.2, at_least=0, doc="range of random crops and borders in training, as a fraction of the image"
    )
    resize: float = key(1.0, above=0, doc="range of random zoom in training")
    random: float = key(
        0.0, at_least=0, doc="train at several sizes: 1 for a factor of up to 1.4, or the factor"
    )
    max: int = key(200, at_least=1, doc="most true boxes of an image that are trained on")

    @property
    def nms_kind(self) -> str:
        """The kind of non-maximum suppression: default, greedynms or diounms."""
        return "default"

    @property
    def beta_nms(self) -> float:
        """The exponent of diounms."""
        return 0.6

    @property
    def boxes_per_cell(self) -> int:
        """A: how many boxes each cell predicts."""
        return self.num

    @property
    def entries(self) -> int:
        """Numbers for each box: 4 coordinates, objectness, classes."""
        return 5 + self.classes

    @abstractmethod
    def activate(self, raw: Tensor) -> Tensor:
        """Apply the activations, as in the output of Darknet's layer, (N, C, H, W)."""

    @abstractmethod
    def decode(self, raw: Tensor, net_height: int, net_width: int) -> tuple[Tensor, Tensor, Tensor]:
        """Boxes of a raw map.

        Returns:
            boxes_cxcywh as fractions of the network's input (N, B, 4), objectness (N, B) and class
            probabilities (N, B, K), B = H * W * A in Darknet's order: rows, columns, anchors.
        """

    @abstractmethod
    def predictions(self, raw: Floats, net_size: tuple[int, int], *, threshold: float) -> Predictions:
        """What `decode` gives, by numpy, of the boxes whose objectness is above the threshold.

        Args:
            raw: (N, C, H, W), any memory layout.
            net_size: (height, width) of the network's input.
        """

    def onnx_boxes(self, nodes: Nodes, raw: str, images: str) -> Boxes:
        """Add ONNX nodes that compute what `decode` does, in pixels of the input.

        Args:
            raw: the name of the raw map.
            images: the name of the input, whose size is that of the pixels.

        Raises:
            Refused: where the head has no such nodes.
        """
        message = f"the boxes of [{self.section}] have no ONNX form"
        reason = (
            f"{type(self).__name__} does not declare `onnx_boxes`; exported without NMS, it gives raw maps"
        )
        raise Refused(Complaint(message, code=NO_ONNX, reason=reason))

    def channels_complaint(self, source: Shape) -> Complaint | None:
        """A complaint about the number of input channels, at the layer before; None if it fits."""
        needed = self.boxes_per_cell * self.entries
        if source.channels == needed:
            return None
        parts = f"{self.boxes_per_cell} anchors x ({self.entries - self.classes} + {self.classes} classes)"
        return Complaint(
            f"filters={source.channels} should be {needed} = {parts}",
            key="filters",
            code="bad-filters",
            reason=f"the [{self.section}] that reads this layer needs a map for every number it predicts",
            suggestion=str(needed),
            reads=0,
        )
