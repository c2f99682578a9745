"""`[blurpool]`: the maximum, then a low-pass filter with the stride."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from darknet_py.arithmetic.cost import Cost
from darknet_py.arithmetic.shape import Shape
from darknet_py.arithmetic.window import Axis, Window
from darknet_py.cfg.diagnostics import Complaint
from darknet_py.cfg.keys import key
from darknet_py.layers.pools.base import WindowPool
from darknet_py.layers.pools.laws import equals

if TYPE_CHECKING:
    from torch import nn

    from darknet_py.onnx_ops.nodes import Nodes


class BlurPool(WindowPool, section="blurpool"):
    """The maximum with stride 1, then a binomial filter with the stride: shifts of the input alias less.

    Zhang, "Making convolutional networks shift-invariant again", ICML 2019, arXiv:1904.11486. The filter, 1 2
    1 both ways, pads by `filter - 1`, so the output has any pool's size; existing maxima's weights add to 1.

        [blurpool]
        size = 2
        stride = 2
    """

    filter: int = key(3, at_least=1, at_most=7, doc="taps of the low-pass filter; 1: none", unit="cells")

    laws = (equals("maxpool", filter=1),)

    def maxima(self) -> BlurPool:
        """The first half: the same windows at every cell."""
        return self.with_values(stride=1, stride_x=1, stride_y=1)

    def check(self, *maps: Shape) -> Iterator[Complaint]:
        """Bins have no stride to filter for."""
        yield from super().check(*maps)
        if self.adaptive:
            yield Complaint("[blurpool] has no adaptive form", key="adaptive", code="unsupported-key")

    def window(self, *maps: Shape) -> Window:
        """Both windows in sequence."""
        size, before = self.size + self.filter - 1, self.padding // 2 + (self.filter - 1) // 2
        return Window(Axis(size, self.stride_y, before), Axis(size, self.stride_x, before))

    def cost(self, *maps: Shape) -> Cost:
        """The maxima as a pool, the filter as a convolution of each channel."""
        maxima, macs = self.maxima().shape(*maps), self.filter**2 * self.shape(*maps).floats
        return Cost(others=self.size**2 * maxima.floats, macs=macs)

    def module(self, *maps: Shape) -> nn.Module:
        """torch's two kernels in sequence."""
        from darknet_py.ops.pools.blurpool import BlurredMaximum

        return BlurredMaximum(self.maxima().grid(), self.filter, (self.stride_y, self.stride_x))

    def onnx(self, nodes: Nodes, *maps: str) -> str:
        """The maximum, and a convolution of each channel."""
        from darknet_py.onnx_ops.pools.reduction import blurred_maximum
        from darknet_py.onnx_ops.pools.windows import Windows

        blur = Windows(self.filter, (self.stride_y, self.stride_x), self.filter - 1)
        return blurred_maximum(nodes, maps[0], self.maxima().windows(), blur)
