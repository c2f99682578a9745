"""The base class of window pools: their keys, output size, receptive field and cost.

Cells outside of the map do not exist: they are never selected, averaged or counted. A pool is a rule that
reduces the cells of one window to one cell; it implements `reduce`, and inherits everything else.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from darknet_py.arithmetic.cost import Cost
from darknet_py.arithmetic.shape import Shape
from darknet_py.arithmetic.window import Axis, Window, bins, output_size
from darknet_py.cfg.diagnostics import Complaint, Refused
from darknet_py.cfg.keys import key, same_as
from darknet_py.layers.base import Layer
from darknet_py.layers.pools.laws import Law

if TYPE_CHECKING:
    from torch import Tensor, nn

    from darknet_py.onnx_ops.pools.windows import Windows
    from darknet_py.ops.pools.window import Grid

ALL_IN_DARKNET = ("maxpool", "local_avgpool", "avgpool")  # the pools that Darknet has


class WindowPool(Layer):
    """A rule that reduces the cells of one window to one cell, channel by channel.

    With `adaptive = N` the output is N x N whatever the input: bin i covers rows floor(i H / N) to ceil((i +
    1) H / N). Else output size is `(in + padding - size) // stride + 1`; the window of output row r begins at
    `r * stride - padding // 2`.
    """

    laws: ClassVar[tuple[Law, ...]] = ()
    # Whether the output for non-negative cells lies between their minimum and maximum; False for a sum.
    bounded: ClassVar[bool] = True
    category = "pool"

    def reduce(self, cells: Tensor, inside: Tensor) -> Tensor:
        """Reduce the cells of every window to one cell.

        Args:
            cells: (N, C, H', W', S), row by row within a window; 0 outside of the map.
            inside: (1, 1, H', W', S) bool, which of them lie in the map, at least one in each window.

        Returns: (N, C, H', W').
        """
        raise NotImplementedError(f"[{self.section}] has no rule: implement `reduce` or `module`")

    stride: int = key(1, at_least=1, at_most=8192, doc="step of the window", unit="cells")
    stride_x: int = key(same_as("stride"), at_least=1, at_most=8192, doc="step along a row", unit="cells")
    stride_y: int = key(same_as("stride"), at_least=1, at_most=8192, doc="step along a column", unit="cells")
    size: int = key(same_as("stride"), at_least=1, at_most=8192, doc="side of the window", unit="cells")
    padding: int = key(
        same_as("size", lambda size: size - 1),
        at_least=0,
        at_most=16384,
        doc="cells added to each axis, both sides together",
    )

    adaptive: int = key(
        0,
        at_least=0,
        at_most=1024,
        doc="rows and columns of the output, instead of size and stride; 0: off",
    )

    def shape(self, *maps: Shape) -> Shape:
        """The channels of the input; rows and columns by the window."""
        (source,) = maps
        if self.adaptive:
            return Shape(source.channels, self.adaptive, self.adaptive)
        rows = output_size(source.height, size=self.size, stride=self.stride_y, padding=self.padding)
        columns = output_size(source.width, size=self.size, stride=self.stride_x, padding=self.padding)
        if min(rows, columns) < 1:
            window = f"a window of {self.size} with padding {self.padding}"
            message = f"{window} does not fit on a map of {source.height} x {source.width}"
            raise Refused(Complaint(message, key="size", code="too-small"))
        return Shape(source.channels, rows, columns)

    def check(self, *maps: Shape) -> Iterator[Complaint]:
        """No window may lie completely outside of the map."""
        if not self.adaptive and self.padding - self.padding // 2 >= self.size:
            message = f"padding={self.padding} puts windows of {self.size} outside the map"
            yield Complaint(
                message,
                key="padding",
                code="out-of-range",
                reason=f"at most {2 * (self.size - 1)} fits, both sides together",
            )

    def window(self, *maps: Shape) -> Window:
        """The window itself."""
        if self.adaptive:
            return Window(bins(self.adaptive, maps[0].height), bins(self.adaptive, maps[0].width))
        before = self.padding // 2
        return Window(Axis(self.size, self.stride_y, before), Axis(self.size, self.stride_x, before))

    @property
    def window_sizes(self) -> tuple[int, ...]:
        """The size of its window; none in the adaptive form."""
        return () if self.adaptive else (self.size,)

    @property
    def channelwise(self) -> bool:
        """Yes: `reduce` sees the cells of one channel."""
        return True

    def cost(self, *maps: Shape) -> Cost:
        """Darknet counts size² operations for each output cell."""
        if self.adaptive:
            window = self.window(*maps)
            return Cost(others=window.rows.size * window.columns.size * self.shape(*maps).floats)
        return Cost(others=self.size**2 * self.shape(*maps).floats)

    def module(self, *maps: Shape) -> nn.Module:
        """The rule as `reduce` defines it; a pool with a faster implementation overrides this."""
        from darknet_py.ops.pools.reduction import WindowReduction

        return WindowReduction(self.grid(), self.reduce)

    def grid(self) -> Grid:
        """The windows, for torch."""
        from darknet_py.ops.pools.window import BinGrid, Grid

        strides = (self.stride_y, self.stride_x)
        if self.adaptive:
            return BinGrid(self.size, strides, self.padding, self.adaptive)
        return Grid(self.size, strides, self.padding)

    def windows(self) -> Windows:
        """The windows, for ONNX."""
        from darknet_py.onnx_ops.pools.windows import Windows

        return Windows(self.size, (self.stride_y, self.stride_x), self.padding, self.adaptive)


def hide(cells: Tensor, inside: Tensor) -> Tensor:
    """The cells, with minus infinity outside of the map, which no maximum and no softmax selects."""
    return cells.masked_fill(~inside, float("-inf"))
