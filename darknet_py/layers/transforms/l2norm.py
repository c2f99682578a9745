"""`[l2norm]`: the channels of each cell scaled to a vector of length 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from darknet_py.arithmetic.shape import Shape
from darknet_py.layers.base import Layer

if TYPE_CHECKING:
    from torch import nn

    from darknet_py.onnx_ops.nodes import Nodes


class L2Norm(Layer, section="l2norm"):
    """x over the square root of the sum of x² over channels, at each cell.

    Only pjreddie's Darknet has it. Where all channels are 0 Darknet returns NaN, and this program 0.

        [l2norm]
    """

    def module(self, *maps: Shape) -> nn.Module:
        """torch's normalisation."""
        from darknet_py.ops.function import Function
        from darknet_py.ops.map import unit_vectors

        return Function(unit_vectors)

    def onnx(self, nodes: Nodes, *maps: str) -> str:
        """The length over channels, and a quotient."""
        from darknet_py.onnx_ops.vectors import unit_length

        return unit_length(nodes, maps[0], 1, 1e-12)
