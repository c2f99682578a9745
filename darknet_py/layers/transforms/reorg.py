"""`[reorg]`: YOLOv2's rearrangement of cells into channels."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING

from darknet_py.arithmetic.shape import Shape
from darknet_py.arithmetic.window import Axis, Scattered, Window
from darknet_py.cfg.diagnostics import Complaint
from darknet_py.cfg.keys import key
from darknet_py.layers.base import Layer

if TYPE_CHECKING:
    from torch import nn

    from darknet_py.onnx_ops.nodes import Nodes


class Reorg(Layer, section="reorg"):
    """Cells into channels, in the order that YOLOv2's weights were trained with.

    It is not space-to-depth: Darknet reads the map as one of (C / s², H * s, W * s) and takes that apart.
    Redmon and Farhadi, "YOLO9000: better, faster, stronger", CVPR 2017, arXiv:1612.08242, call it the
    passthrough layer.

        [reorg]
        stride = 2
    """

    stride: int = key(1, at_least=1, at_most=64, doc="side of the blocks of cells")
    reverse: bool = key(False, doc="channels into cells: the inverse of [reorg3d], as Darknet has it")
    flatten: bool = key(
        False, doc="no blocks: the channels of each cell in sequence, or back; only in pjreddie's Darknet"
    )
    extra: int = key(
        0,
        doc="no blocks, and so many zeros appended",
        ignored="AlexeyAB's Darknet ignores it too; in pjreddie's it adds a move to his game of Go",
    )

    def shape(self, *maps: Shape) -> Shape:
        """Channels times stride², rows and columns over stride; or back."""
        m, s = maps[0], self.stride
        if self.reverse:
            return Shape(m.channels // s**2, m.height * s, m.width * s)
        return Shape(m.channels * s**2, m.height // s, m.width // s)

    def check(self, *maps: Shape) -> Iterator[Complaint]:
        """The blocks must divide the map."""
        m, s = maps[0], self.stride
        if m.channels % s**2:
            message = f"stride={s} needs channels in multiples of {s**2}; there are {m.channels}"
            yield Complaint(message, "stride", "bad-groups")
        if not self.reverse and (m.height % s or m.width % s):
            message = f"stride={s} does not divide a map of {m.height} x {m.width}"
            yield Complaint(
                message,
                key="stride",
                code="shapes-differ",
                reason="the input's size must be a multiple of it",
            )

    def window(self, *maps: Shape) -> Window:
        """Columns of a block; of rows, those of Darknet's order, which are far from each other."""
        if self.reverse or self.flatten:
            axis = Axis(1, Fraction(1, self.stride)) if self.reverse else Axis(self.stride, self.stride)
            return Window(axis, axis)
        rows = maps[0].height
        between = tuple(self._between(row, rows) for row in range(rows // self.stride))
        return Window(Scattered(rows, self.stride, between=between), Axis(self.stride, self.stride))

    def _between(self, row: int, rows: int) -> tuple[int, int]:
        """The first and the last row read for a row of blocks, of a map of `rows`."""
        s = self.stride
        lines = (block * (rows // s) + row for block in range(s**2))
        read = {(s * (line - line % s) + s * y + line % s) % rows for line in lines for y in range(s)}
        return min(read), max(read)

    def module(self, *maps: Shape) -> nn.Module:
        """A permutation."""
        from darknet_py.ops.function import Function
        from darknet_py.ops.map import (
            channels_first,
            channels_last,
            channels_to_cells,
            old_reorg,
        )

        if self.flatten:
            out = self.shape(*maps)
            rule = channels_first if self.reverse else channels_last
            return Function(partial(rule, shape=(out.channels, out.height, out.width)))
        return Function(partial(channels_to_cells if self.reverse else old_reorg, stride=self.stride))

    def onnx(self, nodes: Nodes, *maps: str) -> str:
        """A permutation."""
        from darknet_py.onnx_ops.map import channels_first, channels_last, old_reorg

        if self.flatten:
            out = self.shape(*nodes.maps)
            rule = channels_first if self.reverse else channels_last
            return rule(nodes, maps[0], (out.channels, out.height, out.width))
        if self.reverse:
            return nodes.add("DepthToSpace", maps[0], blocksize=self.stride)
        return old_reorg(nodes, maps[0], self.stride)
