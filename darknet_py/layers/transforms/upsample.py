"""`[upsample]`: a larger map by repetition, or with a negative stride a smaller one by summation."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING

from darknet_py.arithmetic.shape import Shape
from darknet_py.arithmetic.window import Axis, Window
from darknet_py.cfg.diagnostics import Complaint
from darknet_py.cfg.keys import key
from darknet_py.layers.base import Layer

if TYPE_CHECKING:
    from torch import nn

    from darknet_py.onnx_ops.nodes import Nodes


class Upsample(Layer, section="upsample"):
    """Each cell repeated stride x stride times; a negative stride sums blocks of cells instead.

    [upsample]
    stride = 2
    """

    other_names = "upsampling upsampling2d interpolate interp resize upscale"

    stride: int = key(2, at_least=-64, at_most=64, doc="how many times larger; negative: smaller")
    scale: float = key(1.0, doc="multiplies the result")

    def shape(self, *maps: Shape) -> Shape:
        """Rows and columns times the stride."""
        (m,) = maps
        if self.stride < 0:
            return Shape(m.channels, m.height // -self.stride, m.width // -self.stride)
        return Shape(m.channels, m.height * self.stride, m.width * self.stride)

    def check(self, *maps: Shape) -> Iterator[Complaint]:
        """A stride of zero leaves nothing."""
        m = maps[0]
        if self.stride == 0:
            yield Complaint("stride=0 leaves no map", key="stride", code="out-of-range")
        elif self.stride < 0 and min(m.height, m.width) < -self.stride:
            yield Complaint(
                f"a map of {m.height} x {m.width} has no block of {-self.stride}",
                key="stride",
                code="too-small",
            )

    def window(self, *maps: Shape) -> Window:
        """One cell, a fraction of it further each time; or a block."""
        axis = Axis(-self.stride, -self.stride) if self.stride < 0 else Axis(1, Fraction(1, self.stride))
        return Window(axis, axis)

    @property
    def channelwise(self) -> bool:
        """Yes."""
        return True

    def module(self, *maps: Shape) -> nn.Module:
        """Nearest neighbour, or sums of blocks."""
        from darknet_py.ops.function import Function
        from darknet_py.ops.map import downsampled, upsampled

        if self.stride < 0:
            return Function(partial(downsampled, stride=-self.stride, scale=self.scale))
        return Function(partial(upsampled, stride=self.stride, scale=self.scale))

    def onnx(self, nodes: Nodes, *maps: str) -> str:
        """Nearest neighbour, or sums of blocks."""
        from darknet_py.onnx_ops.map import downsampled, scaled, upsampled

        if self.stride < 0:
            return downsampled(nodes, maps[0], -self.stride, self.scale)
        return scaled(nodes, upsampled(nodes, maps[0], self.stride), self.scale)
