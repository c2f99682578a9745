"""`[scale_channels]`: a map times one number for each channel, or for each cell."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from darknet_py.arithmetic.shape import Shape
from darknet_py.arithmetic.window import Everywhere, Window
from darknet_py.cfg.diagnostics import Complaint, Refused
from darknet_py.cfg.keys import key
from darknet_py.layers.base import Layer, absolute
from darknet_py.layers.transforms.activations import NAMES, activation_nodes, out_of_place

if TYPE_CHECKING:
    from torch import nn

    from darknet_py.onnx_ops.nodes import Nodes


class ScaleChannels(Layer, section="scale_channels"):
    """The map of `from`, each channel times its number in the map before, then an activation.

    Hu, Shen and Sun, "Squeeze-and-excitation networks", CVPR 2018, arXiv:1709.01507. The map before has one
    cell and as many channels; with `scale_wh` it has one channel and as many cells.

        [avgpool]

        [scale_channels]
        from = -2
    """

    other_names = "scale_channel squeeze_excite"

    from_: int = key(name="from", doc="the layer to scale: negative counts back from here", refers=True)
    scale_wh: bool = key(False, doc="a number for each cell, not for each channel")
    activation: str = key("linear", one_of=NAMES, doc="function of the product")

    def inputs(self, at: int) -> tuple[int, ...]:
        """The layer before, then `from`."""
        return (at - 1, absolute(self.from_, at))

    def shape(self, *maps: Shape) -> Shape:
        """The shape of `from`."""
        scales, scaled = maps
        needed = Shape(1, scaled.height, scaled.width) if self.scale_wh else Shape(scaled.channels, 1, 1)
        if scales != needed:
            message = f"a map of {scaled} cannot be scaled by one of {scales}"
            reason = f"the layer before must put out {needed}, a number for each " + (
                "cell" if self.scale_wh else "channel"
            )
            raise Refused(Complaint(message, key="from", code="shapes-differ", reason=reason))
        return scaled

    def window(self, *maps: Shape) -> Window:
        """One cell of each; of a map of one cell, all read that one."""
        if self.scale_wh:
            return Window()
        scaled = maps[1]
        rows, columns = (Everywhere(1, Fraction(1, side)) for side in (scaled.height, scaled.width))
        return Window(rows, columns, others=(Window(),))

    def module(self, *maps: Shape) -> nn.Module:
        """A product and the activation."""
        from darknet_py.ops.product import Product

        return Product(out_of_place(self.activation))

    def onnx(self, nodes: Nodes, *maps: str) -> str:
        """A product and the activation."""
        return activation_nodes(self.activation, nodes, nodes.add("Mul", *maps))
