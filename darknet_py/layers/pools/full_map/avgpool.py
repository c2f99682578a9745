"""`[avgpool]`: the mean of each channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from darknet_py.arithmetic.shape import Shape
from darknet_py.layers.pools.full_map.full_map_pool import FullMapPool

if TYPE_CHECKING:
    from torch import nn

    from darknet_py.onnx_ops.nodes import Nodes


class AvgPool(FullMapPool, section="avgpool", aliases=("avg",)):
    """Global average pooling: one cell per channel, whatever the input's size.

    Lin, Chen and Yan, "Network in network", ICLR 2014, arXiv:1312.4400.

        [avgpool]
    """

    other_names = (
        "global_avgpool global_avg_pool globalavgpool global_average_pool globalaveragepool gap "
        "global_avg avgpool_global adaptive_avgpool avg_pool average_pool pool pooling"
    )

    @property
    def channelwise(self) -> bool:
        """Yes."""
        return True

    def module(self, *maps: Shape) -> nn.Module:
        """A mean over rows and columns."""
        from darknet_py.ops.function import Function
        from darknet_py.ops.map import global_mean

        return Function(global_mean)

    def onnx(self, nodes: Nodes, *maps: str) -> str:
        """ONNX's own."""
        return nodes.add("GlobalAveragePool", maps[0])
