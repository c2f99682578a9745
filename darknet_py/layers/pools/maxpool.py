"""`[maxpool]`: the greatest cell of each window."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
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


class MaxPool(WindowPool, section="maxpool", aliases=("max",)):
    """The greatest cell of each window; overlapping when stride < size, as yolov3-tiny's last pool.

    Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional neural networks", NIPS
    2012, for overlapping pools; the arithmetic is Darknet's. With `maxpool_depth` the maximum runs over
    channels instead of cells.

        [maxpool]
        size = 2
        stride = 1
    """

    maxpool_depth: bool = key(False, doc="maximum over channels in the place of cells")
    out_channels: int = key(
        1, at_least=1, doc="channels left by maxpool_depth: g is the maximum of g, g + out_channels, ..."
    )
    antialiasing: int = key(0, doc="blur after a strided pool", refused="not built yet; see [blurpool]")
    maxpool_zero_nonmax: int = key(
        0, doc="zero the other cells", ignored="honoured by Darknet's GPU code alone"
    )

    def shape(self, *maps: Shape) -> Shape:
        """By the window, or `out_channels` maps of the same size."""
        if self.maxpool_depth:
            return Shape(self.out_channels, maps[0].height, maps[0].width)
        return super().shape(*maps)

    def window(self, *maps: Shape) -> Window:
        """The window, or one cell of all channels."""
        return Window() if self.maxpool_depth else super().window(*maps)

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
        from darknet_py.ops.pools.window import strongest_of_every

        if self.maxpool_depth:
            return Function(partial(strongest_of_every, groups=self.out_channels))
        return Function(self.grid().maximum)

    def grown_from(self, smaller: Layer) -> GrownMaxPool | None:
        """This pool as one that begins with a smaller one's maxima of the same map, or None."""
        if not (self._around_each_cell() and isinstance(smaller, MaxPool) and smaller._around_each_cell()):
            return None
        if smaller.size > self.size:
            return None
        return GrownMaxPool(**{k.name: getattr(self, k.name) for k in fields(self)}, known=smaller.size)

    def _around_each_cell(self) -> bool:
        strides = (self.stride_y, self.stride_x)
        plain = not self.maxpool_depth and not self.adaptive
        return plain and strides == (1, 1) and self.padding == self.size - 1


class GrownMaxPool(MaxPool):
    """A [maxpool] with stride 1 that reads a map, and the maxima of smaller windows on it to begin with."""

    known: int = key(1, doc="side of the smaller windows", unit="cells")

    def shape(self, *maps: Shape) -> Shape:
        """As the map."""
        return super().shape(maps[0])

    def module(self, *maps: Shape) -> nn.Module:
        """Maxima of shifted maxima."""
        from darknet_py.ops.pools.maximum import MaxPoolStride1

        return MaxPoolStride1(self.size, known=self.known)
