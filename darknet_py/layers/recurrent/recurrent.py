"""The base classes of Darknet's recurrent layers, which are made of other layers."""

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
from darknet_py.layers.parametric.kernel import KernelKeys

Part = tuple[Layer, Shape]  # a part of a recurrent layer, and the shape of its input


class Recurrent(NotExecutable):
    """A layer made of others, whose output depends on earlier frames."""

    why = "it depends on earlier frames, and images here have no order"

    def parts(self, source: Shape) -> Iterator[Part]:
        """Its parts, in the order of `.weights`."""
        raise NotImplementedError(f"[{self.section}] does not implement `parts`")

    def cost(self, *maps: Shape) -> Cost:
        """The sum of its parts."""
        return sum((layer.cost(source) for layer, source in self.parts(maps[0])), Cost())


class Dense(Recurrent):
    """A recurrent layer whose parts are `[connected]`: it reads the full map and has one output cell."""

    def window(self, *maps: Shape) -> Window:
        """The full map."""
        return Window(Axis(maps[0].height, maps[0].height), Axis(maps[0].width, maps[0].width))


def dense(inputs: int, output: int, *, normalized: bool) -> Part:
    """A `[connected]` with this many inputs and outputs."""
    layer = Connected(output=output, activation="linear", batch_normalize=normalized)
    return layer, Shape(inputs, 1, 1)


class Convolved(KernelKeys, Recurrent):
    """A recurrent layer whose parts are `[convolutional]`, all with the same kernel."""

    output: int = key(1, at_least=1, at_most=1 << 20, doc="output channels")
    size: int = key(3, at_least=1, at_most=1024, doc="side of the kernels", unit="cells")
    stride: int = key(1, at_least=1, at_most=1, doc="step of the kernels; the state must keep its size")
    xnor: int = key(0, doc="binary weights and inputs")

    def convolution(self, source: Shape, filters: int) -> Part:
        """A `[convolutional]` with this layer's kernel."""
        layer = Convolutional(
            filters=filters,
            size=self.size,
            stride_x=self.stride,
            stride_y=self.stride,
            pad=self.pad,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
            batch_normalize=self.batch_normalize,
            xnor=self.xnor,
        )
        return layer, source

    def shape(self, *maps: Shape) -> Shape:
        """Output channels; rows and columns must not change, as the state is read again."""
        for layer, source in self.parts(maps[0]):
            found = layer.shape(source)
            if (found.height, found.width) != (source.height, source.width):
                sizes = f"{source.height} x {source.width} into {found.height} x {found.width}"
                reason = "the state must keep its rows and columns; an odd size with pad=1 does"
                message = f"size={self.size} makes a map of {sizes}"
                raise Refused(Complaint(message, key="size", code="shapes-differ", reason=reason))
        return Shape(self.output, maps[0].height, maps[0].width)
