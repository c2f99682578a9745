"""`[deconvolutional]`: a transposed convolution."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from darknet_py.arithmetic.cost import Cost
from darknet_py.arithmetic.shape import Shape
from darknet_py.arithmetic.window import Axis, Window, covering
from darknet_py.cfg.diagnostics import Complaint, Refused
from darknet_py.cfg.keys import key
from darknet_py.layers.base import Layer
from darknet_py.layers.parametric.block import block_shapes
from darknet_py.layers.transforms.activations import NAMES, activation, activation_nodes

if TYPE_CHECKING:
    from torch import Tensor, nn

    from darknet_py.onnx_ops.nodes import Nodes


class Deconvolutional(Layer, section="deconvolutional", aliases=("deconv",)):
    """Every cell adds its number times a kernel to the map put out; batch normalisation if asked, activation.

    The transpose of a convolution: Zeiler, Krishnan, Taylor and Fergus, "Deconvolutional networks", CVPR
    2010. Only pjreddie's Darknet has it.

        [deconvolutional]
        filters = 8
        size = 4
        stride = 2
        padding = 1
        activation = leaky
    """

    other_names = "conv_transpose conv_transpose2d transposed_conv conv2d_transpose deconv2d"

    filters: int = key(1, at_least=1, at_most=1 << 20, doc="output channels")
    size: int = key(1, at_least=1, at_most=1024, doc="side of the kernel", unit="cells")
    stride: int = key(1, at_least=1, at_most=64, doc="how many times larger the map becomes", unit="cells")
    pad: bool = key(False, doc="cut size // 2 off every side, whatever `padding` says")
    padding: int = key(0, at_least=0, at_most=1024, doc="cells cut off every side", unit="cells")
    activation: str = key("logistic", one_of=NAMES, doc="function of each output")
    batch_normalize: bool = key(False, doc="normalise each channel over the batch")

    @property
    def cut(self) -> int:
        """Cells cut off every side."""
        return self.size // 2 if self.pad else self.padding

    def shape(self, *maps: Shape) -> Shape:
        """(in - 1) * stride + size - 2 * padding rows and columns."""
        (source,) = maps
        rows, columns = (
            (side - 1) * self.stride + self.size - 2 * self.cut for side in (source.height, source.width)
        )
        if min(rows, columns) < 1:
            message = f"padding {self.cut} leaves nothing of a map of {source.height} x {source.width}"
            raise Refused(Complaint(message, key="padding", code="too-small"))
        return Shape(self.filters, rows, columns)

    def window(self, *maps: Shape) -> Window:
        """The cells whose kernels cover one cell."""
        axis = covering(Axis(self.size, self.stride, self.cut))
        return Window(axis, axis)

    def cost(self, *maps: Shape) -> Cost:
        """As a convolution's: weights, biases and BN's three arrays; 2 x MACs."""
        weights = self.filters * maps[0].channels * self.size**2
        arrays, learned = (4, 2) if self.batch_normalize else (1, 1)
        macs = weights * maps[0].cells
        return Cost(weights + arrays * self.filters, weights + learned * self.filters, macs)

    def module(self, *maps: Shape) -> nn.Module:
        """`conv`, `norm` if asked, and `act`, in sequence."""
        from darknet_py.ops.block import ConvBlock, batch_norm
        from darknet_py.ops.deconvolutional import Deconvolution

        conv = Deconvolution(
            maps[0].channels,
            self.filters,
            self.size,
            stride=self.stride,
            padding=self.cut,
            bias=not self.batch_normalize,
        )
        norm = batch_norm(self.filters) if self.batch_normalize else None
        return ConvBlock(conv, norm, activation(self.activation))

    def onnx(self, nodes: Nodes, *maps: str) -> str:
        """A transposed convolution, batch normalisation folded into it, and the activation."""
        from darknet_py.onnx_ops.convolution import transposed_convolution

        sides, strides, pads = [self.size] * 2, [self.stride] * 2, [self.cut] * 4
        out = transposed_convolution(nodes, maps[0], kernel_shape=sides, strides=strides, pads=pads)
        return activation_nodes(self.activation, nodes, out)

    def array_shapes(self, *maps: Shape) -> Iterator[tuple[str, tuple[int, ...]]]:
        """As `arrays`."""
        weights = (maps[0].channels, self.filters, self.size, self.size)
        yield from block_shapes(self.filters, weights, normalized=self.batch_normalize)

    def arrays(self, module: nn.Module) -> Iterator[tuple[str, Tensor]]:
        """Biases, BN's scales, means and variances, then the weights (channels, filters, size, size)."""
        from darknet_py.ops.block import ConvBlock, norm_arrays

        assert isinstance(module, ConvBlock)
        yield "biases", module.biases
        if module.norm is not None:
            yield from norm_arrays(module.norm)
        yield "weights", module.conv.weight
