"""`[avgpool]`: the mean of each channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from darknet_py.arithmetic.shape import Shape
from darknet_py.arithmetic.window import Axis, Window
from darknet_py.layers.base import Layer

if TYPE_CHECKING:
    from torch import nn


class AvgPool(Layer, section="avgpool", aliases=("avg",)):
    """Global average pooling: one cell per channel, whatever the input's size.

    Lin, Chen and Yan, "Network in network", ICLR 2014, arXiv:1312.4400.

        [avgpool]
    """

    def shape(self, *maps: Shape) -> Shape:
        """One cell."""
        return Shape(maps[0].channels, 1, 1)

    def window(self, *maps: Shape) -> Window:
        """The whole map."""
        height, width = maps[0].height, maps[0].width
        return Window(Axis(height, height), Axis(width, width))

    def module(self, *maps: Shape) -> nn.Module:
        """A mean over rows and columns."""
        from darknet_py.layers.function_modules import Function
        from darknet_py.layers.map_modules import global_mean

        return Function(global_mean)
