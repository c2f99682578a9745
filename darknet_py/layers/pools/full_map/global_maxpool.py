"""`[global_maxpool]`: the greatest cell of each channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from darknet_py.arithmetic.shape import Shape
from darknet_py.layers.pools.full_map.full_map_pool import FullMapPool

if TYPE_CHECKING:
    from torch import nn

    from darknet_py.onnx_ops.nodes import Nodes


class GlobalMaxPool(FullMapPool, section="global_maxpool"):
    """Global max pooling: the greatest cell of each channel, whatever the input's size.

    Oquab, Bottou, Laptev and Sivic, "Is object localization for free? Weakly-supervised learning with
    convolutional neural networks", CVPR 2015. Of equal cells the first has the gradient, as in `[maxpool]`.

        [global_maxpool]
    """

    other_names = "global_max_pool gmp globalmaxpooling adaptive_maxpool"

    @property
    def channelwise(self) -> bool:
        """Yes."""
        return True

    def module(self, *maps: Shape) -> nn.Module:
        """torch's adaptive pool with one bin."""
        from functools import partial

        from torch.nn.functional import adaptive_max_pool2d

        from darknet_py.ops.function import Function

        return Function(partial(adaptive_max_pool2d, output_size=1))

    def onnx(self, nodes: Nodes, *maps: str) -> str:
        """ONNX's own."""
        return nodes.add("GlobalMaxPool", maps[0])
