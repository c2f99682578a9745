"""`[local_avgpool]`: the mean of each window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from darknet_py.arithmetic.shape import Shape
from darknet_py.layers.pools.base import WindowPool

if TYPE_CHECKING:
    from torch import nn

    from darknet_py.onnx_ops.nodes import Nodes


class LocalAvgPool(WindowPool, section="local_avgpool", aliases=("local_avg",)):
    """The mean of the existing cells of each window, as Darknet's forward pass computes it.

    Darknet's CPU backward pass divides by size² at the borders too; here the gradient is exact.

        [local_avgpool]
        size = 2
        stride = 2
    """

    other_names = "avgpool2d averagepool2d averagepooling2d avg_pool average_pool pool pooling"

    def module(self, *maps: Shape) -> nn.Module:
        """A sum over a map padded by zeros, over the number of existing cells."""
        from darknet_py.ops.function import Function

        return Function(self.grid().mean)

    def onnx(self, nodes: Nodes, *maps: str) -> str:
        """ONNX's pool, whose padding is not counted."""
        from darknet_py.onnx_ops.pools.windows import mean

        return mean(nodes, maps[0], self.windows())
