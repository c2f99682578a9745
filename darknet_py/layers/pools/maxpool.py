"""`[maxpool]`: the greatest cell of each window."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from darknet_py.arithmetic.cost import Cost
from darknet_py.arithmetic.shape import Shape
from darknet_py.arithmetic.window import Window
from darknet_py.cfg.diagnostics import Complaint
from darknet_py.cfg.keys import key
from darknet_py.layers.base import Layer
from darknet_py.layers.pools.base import WindowPool

if TYPE_CHECKING:
    from torch import nn

    from darknet_py.onnx_ops.nodes import Nodes


BLURRED = (
    "[blurpool] is equal inside the map, not at its border, where Darknet blurs with zeros; for 2, stride=1 "
    "and a [local_avgpool] of size=2 with padding=0 and the stride are equal"
)


class MaxPool(WindowPool, section="maxpool", aliases=("max",)):
    """The greatest cell of each window; overlapping when stride < size, as yolov3-tiny's last pool.

    Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional neural networks", NIPS
    2012, for overlapping pools; the arithmetic is Darknet's. With `maxpool_depth` the maximum runs over
    channels instead of cells.

        [maxpool]
        size = 2
        stride = 1
    """

    other_names = "max_pool max_pool2d maxpooling maxpooling2d pool pooling"

    maxpool_depth: bool = key(False, doc="maximum over channels instead of cells")
    out_channels: int = key(
        1, at_least=1, doc="output channels of maxpool_depth: g is the maximum of g, g + out_channels, ..."
    )
    antialiasing: int = key(0, doc="blur after a strided pool", refused=BLURRED)
    maxpool_zero_nonmax: int = key(
        0, doc="zero the other cells", ignored="only Darknet's GPU code honours it"
    )

    def shape(self, *maps: Shape) -> Shape:
        """By the window, or `out_channels` maps of the same size."""
        if self.maxpool_depth:
            return Shape(self.out_channels, maps[0].height, maps[0].width)
        return super().shape(*maps)

    def window(self, *maps: Shape) -> Window:
        """The window, or one cell of all channels."""
        return Window() if self.maxpool_depth else super().window(*maps)

    @property
    def channelwise(self) -> bool:
        """Not the maximum over channels."""
        return not self.maxpool_depth

    def cost(self, *maps: Shape) -> Cost:
        """Darknet counts a window over channels like one over cells."""
        return Cost(others=self.size**2 * self.shape(*maps).floats)

    def check(self, *maps: Shape) -> Iterator[Complaint]:
        """`out_channels` cannot exceed the channels there are."""
        if self.maxpool_depth and self.out_channels > maps[0].channels:
            message = f"out_channels={self.out_channels} of {maps[0].channels} channels"
            yield Complaint(message, key="out_channels", code="out-of-range")
        yield from super().check(*maps)

    def module(self, *maps: Shape) -> nn.Module:
        """torch's kernel; with stride 1, maxima of shifted maps."""
        from darknet_py.ops.function import Function
        from darknet_py.ops.pools.window import WindowMaximum, max_over_channels

        if self.maxpool_depth:
            return Function(partial(max_over_channels, out_channels=self.out_channels))
        return WindowMaximum(self.grid())

    def onnx(self, nodes: Nodes, *maps: str) -> str:
        """ONNX's pool, whose padding is no cell either."""
        from darknet_py.onnx_ops.pools.windows import max_over_channels, maximum

        if self.maxpool_depth:
            return max_over_channels(nodes, maps[0], self.out_channels)
        return maximum(nodes, maps[0], self.windows())

    def grown_from(self, smaller: Layer) -> GrownMaxPool | None:
        """This pool as one that starts from the maxima of a smaller one on the same map, or None."""
        if not (self._around_each_cell() and isinstance(smaller, MaxPool) and smaller._around_each_cell()):
            return None
        return GrownMaxPool(pool=self, known=smaller.size) if smaller.size <= self.size else None

    def _around_each_cell(self) -> bool:
        strides, windows = (self.stride_y, self.stride_x), not self.maxpool_depth and not self.adaptive
        return windows and strides == (1, 1) and self.padding == self.size - 1


class GrownMaxPool(Layer):
    """A [maxpool] with stride 1 that reads the map, and the maxima of windows of size `known` on it."""

    pool: MaxPool
    known: int

    def shape(self, *maps: Shape) -> Shape:
        """The shape of the pool."""
        return self.pool.shape(maps[0])

    def module(self, *maps: Shape) -> nn.Module:
        """Maxima of shifted maxima."""
        from darknet_py.ops.pools.window import MaxPoolStride1

        return MaxPoolStride1(self.pool.grid(), known=self.known)

    def onnx(self, nodes: Nodes, *maps: str) -> str:
        """The maximum of maxima: a chain, each as exact as one pool."""
        from darknet_py.onnx_ops.pools.windows import grown_maximum

        return grown_maximum(nodes, maps[1], self.known, self.pool.size)
