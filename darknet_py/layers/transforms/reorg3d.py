"""`[reorg3d]`: blocks of cells into channels."""

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


class Reorg3d(Layer, section="reorg3d"):
    """Space to depth: output channel (dy * stride + dx) * C + c is cell (dy, dx) of each block of channel c.

    The position in the block is the slow index; in torch's `pixel_unshuffle` it is the fast one. `reverse` is
    not its inverse but what Darknet computes: the map is read as one of (C / s², H * s, W * s) first.

        [reorg3d]
        stride = 2
    """

    other_names = "space_to_depth focus"

    stride: int = key(1, at_least=1, at_most=64, doc="side of the blocks of cells")
    reverse: bool = key(False, doc="channels into cells, in Darknet's order")

    def shape(self, *maps: Shape) -> Shape:
        """Channels times stride², rows and columns over stride; or back."""
        m, s = maps[0], self.stride
        if self.reverse:
            return Shape(m.channels // s**2, m.height * s, m.width * s)
        return Shape(m.channels * s**2, m.height // s, m.width // s)

    def check(self, *maps: Shape) -> Iterator[Complaint]:
        """The blocks must divide the map."""
        m, s = maps[0], self.stride
        if self.reverse and m.channels % s**4:
            message = f"stride={s} needs channels in multiples of {s**4}; there are {m.channels}"
            yield Complaint(message, key="stride", code="bad-groups")
        if not self.reverse and (m.height % s or m.width % s):
            message = f"stride={s} does not divide a map of {m.height} x {m.width}"
            reason = "the input's size must be a multiple of it"
            yield Complaint(message, key="stride", code="shapes-differ", reason=reason)

    def window(self, *maps: Shape) -> Window:
        """A block; with `reverse` it is nominal, the order is Darknet's own."""
        axis = Axis(1, Fraction(1, self.stride)) if self.reverse else Axis(self.stride, self.stride)
        return Window(axis, axis)

    def module(self, *maps: Shape) -> nn.Module:
        """A permutation."""
        from darknet_py.ops.function import Function
        from darknet_py.ops.map import blocks_to_channels, reinterpreted_to_cells

        rule = reinterpreted_to_cells if self.reverse else blocks_to_channels
        return Function(partial(rule, stride=self.stride))

    def onnx(self, nodes: Nodes, *maps: str) -> str:
        """ONNX's own order; with `reverse` Darknet's."""
        from darknet_py.onnx_ops.map import reinterpreted_to_cells

        if self.reverse:
            return reinterpreted_to_cells(nodes, maps[0], self.stride)
        return nodes.add("SpaceToDepth", maps[0], blocksize=self.stride)
