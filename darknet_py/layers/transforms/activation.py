"""`[activation]`: a function of each number, by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.keys import key
from darknet_py.layers.base import Layer
from darknet_py.layers.transforms.activations import NAMES, activation_nodes, out_of_place

if TYPE_CHECKING:
    from torch import nn

    from darknet_py.onnx_ops.nodes import Nodes


class Activation(Layer, section="activation"):
    """The activation function of every number of the map.

    Darknet computes 0 here for swish, mish and hard_mish, which its plain routine lacks; this program
    computes them.

        [activation]
        activation = leaky
    """

    other_names = "act activate nonlinearity"

    activation: str = key("linear", one_of=NAMES, doc="the function")

    @property
    def channelwise(self) -> bool:
        """Not those that normalise over channels."""
        return not self.activation.startswith("normalize_channels")

    def module(self, *maps: Shape) -> nn.Module:
        """The function; the map that it reads stays as it is."""
        return out_of_place(self.activation)

    def onnx(self, nodes: Nodes, *maps: str) -> str:
        """The function."""
        return activation_nodes(self.activation, nodes, maps[0])
