"""What Darknet's recurrent layers have in common: they are made of other layers, and remember."""

from __future__ import annotations

from collections.abc import Iterator

from darknet_py.arithmetic.cost import Cost
from darknet_py.arithmetic.shape import Shape
from darknet_py.arithmetic.window import Axis, Window
from darknet_py.cfg.diagnostics import Complaint, Refused
from darknet_py.cfg.keys import key
from darknet_py.layers.base import Layer
from darknet_py.layers.not_executable import NotExecutable
from darknet_py.layers.parametric.connected import Connected
from darknet_py.layers.parametric.convolutional import Convolutional

Part = tuple[Layer, Shape]  # a layer that a recurrent one is made of, and the map that it reads


class Recurrent(NotExecutable):
    """A layer made of others, whose output depends on the frames before."""

    why = "it remembers the frames before; images here have no order"

    def parts(self, source: Shape) -> Iterator[Part]:
        """The layers that it is made of, in the order of `.weights`."""
        raise NotImplementedError(f"[{self.section}] does not say which layers it is made of")

    def cost(self, *maps: Shape) -> Cost:
        """The sum of its parts."""
        return sum((layer.cost(source) for layer, source in self.parts(maps[0])), Cost())


class Dense(Recurrent):
    """One whose parts are `[connected]`: it reads the whole map, and puts out one cell."""

    def window(self, *maps: Shape) -> Window:
        """The whole map."""
        return Window(Axis(maps[0].height, maps[0].height), Axis(maps[0].width, maps[0].width))


def dense(inputs: int, output: int, *, normalized: bool) -> Part:
    """A `[connected]` on so many numbers."""
    layer = Connected(output=output, activation="linear", batch_normalize=normalized)
    return layer, Shape(inputs, 1, 1)


class Convolved(Recurrent):
    """One whose parts are `[convolutional]`, all with the same window."""

    output: int = key(1, at_least=1, at_most=1 << 20, doc="output channels")
    size: int = key(3, at_least=1, at_most=1024, doc="side of the kernels", unit="cells")
    stride: int = key(1, at_least=1, at_most=1, doc="step of the kernels; the state must keep its size")
    dilation: int = key(1, at_least=1, at_most=1024, doc="distance between a kernel's taps", unit="cells")
    pad: bool = key(False, doc="pad by size // 2 on every side, whatever `padding` says")
    padding: int = key(0, at_least=0, at_most=1024, doc="zeros on every side", unit="cells")
    groups: int = key(1, at_least=1, doc="groups of channels with filters of their own")
    batch_normalize: bool = key(False, doc="normalise each channel over the batch")
    xnor: int = key(0, doc="binary weights and inputs")

    def convolution(self, source: Shape, filters: int) -> Part:
        """One of its parts."""
        names = ("size", "stride", "pad", "padding", "dilation", "groups", "batch_normalize", "xnor")
        given = {name: getattr(self, name) for name in names}
        return Convolutional(filters=filters, stride_x=self.stride, stride_y=self.stride, **given), source

    def shape(self, *maps: Shape) -> Shape:
        """Output channels; rows and columns must stay, since the state is read again."""
        for layer, source in self.parts(maps[0]):
            found = layer.shape(source)
            if (found.height, found.width) != (source.height, source.width):
                sizes = f"{source.height} x {source.width} into {found.height} x {found.width}"
                reason = "the state must keep its rows and columns; an odd size with pad=1 does"
                message = f"size={self.size} makes a map of {sizes}"
                raise Refused(Complaint(message, key="size", code="shapes-differ", reason=reason))
        return Shape(self.output, maps[0].height, maps[0].width)
