"""`[sam]`: one map times another, number by number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.diagnostics import Complaint, Refused
from darknet_py.cfg.keys import key
from darknet_py.layers.base import Layer, absolute
from darknet_py.layers.transforms.activations import NAMES, activation_nodes, out_of_place

if TYPE_CHECKING:
    from torch import nn

    from darknet_py.onnx_ops.nodes import Nodes


class Sam(Layer, section="sam"):
    """The map before times the map of `from`, number by number, then an activation.

    The map before is an attention: a convolution that ends in `logistic`. The point-wise spatial attention of
    Bochkovskiy, Wang and Liao, "YOLOv4: optimal speed and accuracy of object detection", 2020,
    arXiv:2004.10934, after Woo, Park, Lee and Kweon, "CBAM: convolutional block attention module", ECCV 2018,
    arXiv:1807.06521.

        [sam]
        from = -2
    """

    other_names = "multiply mul"

    from_: int = key(name="from", doc="the layer to multiply: negative counts back from here", refers=True)
    activation: str = key("linear", one_of=NAMES, doc="function of the product")

    def inputs(self, at: int) -> tuple[int, ...]:
        """The layer before, then `from`."""
        return (at - 1, absolute(self.from_, at))

    def shape(self, *maps: Shape) -> Shape:
        """Both have the same."""
        before, other = maps
        if before != other:
            message = f"a map of {before} and one of {other} cannot be multiplied"
            raise Refused(Complaint(message, key="from", code="shapes-differ", reason="they must be equal"))
        return before

    @property
    def channelwise(self) -> bool:
        """Not with an activation that normalises over channels."""
        return not self.activation.startswith("normalize_channels")

    def module(self, *maps: Shape) -> nn.Module:
        """A product and the activation."""
        from darknet_py.ops.product import Product

        return Product(out_of_place(self.activation))

    def onnx(self, nodes: Nodes, *maps: str) -> str:
        """A product and the activation."""
        return activation_nodes(self.activation, nodes, nodes.add("Mul", *maps))
