"""`[reorg]`: YOLOv2's rearrangement of cells into channels."""

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


class Reorg(Layer, section="reorg"):
    """Cells into channels, in the order that YOLOv2's weights were trained with.

    It is not space-to-depth: Darknet reads the map as one of (C / s², H * s, W * s) and takes that apart.
    Redmon and Farhadi, "YOLO9000: better, faster, stronger", CVPR 2017, arXiv:1612.08242, call it the
    passthrough layer.

        [reorg]
        stride = 2
    """

    stride: int = key(1, at_least=1, at_most=64, doc="side of the blocks of cells")
    reverse: bool = key(False, doc="the inverse: channels into cells")
    flatten: int = key(0, doc="flatten the map", refused="not built yet; pjreddie's Darknet alone has it")
    extra: int = key(0, doc="append zeros", refused="not built yet; pjreddie's Darknet alone has it")

    def shape(self, *maps: Shape) -> Shape:
        """Channels times stride², rows and columns over stride; or back."""
        m, s = maps[0], self.stride
        if self.reverse:
            return Shape(m.channels // s**2, m.height * s, m.width * s)
        return Shape(m.channels * s**2, m.height // s, m.width // s)

    def check(self, *maps: Shape) -> Iterator[Complaint]:
        """The map must come apart evenly."""
        m, s = maps[0], self.stride
        blocks = s**4 if self.reverse else s**2
        if m.channels % blocks:
            yield Complaint(
                f"stride={s} needs channels in multiples of {blocks}; there are {m.channels}",
                "stride",
                "bad-groups",
            )
        if not self.reverse and (m.height % s or m.width % s):
            message = f"stride={s} does not divide a map of {m.height} x {m.width}"
            yield Complaint(
                message,
                key="stride",
                code="shapes-differ",
                reason="the input's size must be a multiple of it",
            )

    def window(self, *maps: Shape) -> Window:
        """A block; the order inside is Darknet's own."""
        axis = Axis(1, Fraction(1, self.stride)) if self.reverse else Axis(self.stride, self.stride)
        return Window(axis, axis)

    def module(self, *maps: Shape) -> nn.Module:
        """A permutation."""
        from darknet_py.layers.function_modules import Function
        from darknet_py.layers.map_modules import old_reorg, old_reorg_reverse

        return Function(partial(old_reorg_reverse if self.reverse else old_reorg, stride=self.stride))
