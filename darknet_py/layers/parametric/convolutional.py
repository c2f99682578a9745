"""`[convolutional]`: a bank of filters, batch normalisation, and an activation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from darknet_py.arithmetic.cost import Cost
from darknet_py.arithmetic.shape import Shape
from darknet_py.arithmetic.window import Axis, Window, output_size
from darknet_py.cfg.diagnostics import Complaint, Refused
from darknet_py.cfg.keys import key, same_as
from darknet_py.layers.parametric.block import block_shapes
from darknet_py.layers.parametric.kernel import KernelKeys
from darknet_py.layers.parametric.rare import RareKeys
from darknet_py.layers.transforms.activations import NAMES, activation, activation_nodes

if TYPE_CHECKING:
    from torch import Tensor, nn

    from darknet_py.onnx_ops.nodes import Nodes

NONE = -1_000_000_000  # Darknet's value for no layer
BINARY = "binary networks are not computed"
BITS = 32  # of a machine word: Darknet counts one operation for all of them


class Convolutional(KernelKeys, RareKeys, section="convolutional", aliases=("conv",)):
    """Convolution (no kernel flip, zeros around the map), batch normalisation if asked, activation.

    With batch normalisation the biases are its beta, and the convolution has no biases. Darknet's
    output size leaves dilation out, and the convolution pads by `padding * dilation`: the two agree for odd
    kernels with `pad=1`.

        [convolutional]
        batch_normalize = 1
        filters = 32
        size = 3
        stride = 1
        pad = 1
        activation = leaky
    """

    other_names = "conv2d convolution cnn convolution2d conv_bn conv_layer"

    category = "convolutional"

    filters: int = key(1, at_least=1, at_most=1 << 20, doc="output channels")
    stride: int = key(1, at_least=1, at_most=1024, doc="step of the kernel", unit="cells")
    stride_x: int = key(same_as("stride"), at_least=1, at_most=1024, doc="step along a row", unit="cells")
    stride_y: int = key(same_as("stride"), at_least=1, at_most=1024, doc="step along a column", unit="cells")
    activation: str = key("logistic", one_of=NAMES, doc="function of each output")
    xnor: int = key(0, doc="binary weights and inputs", not_executable=BINARY)
    binary: int = key(0, doc="binary weights", not_executable=BINARY)
    share_index: int = key(
        NONE, doc="the layer whose weights are used here too: negative counts back from here", refers=True
    )

    @property
    def blocks(self) -> int:
        """Groups as Darknet uses them: a binary convolution has one."""
        return 1 if self.xnor else self.groups

    @property
    def shared(self) -> bool:
        """Whether its weights are another layer's."""
        return self.share_index != NONE

    def shape(self, *maps: Shape) -> Shape:
        """Filters, and Darknet's output size, which leaves dilation out."""
        (source,) = maps
        if source.channels % self.blocks or self.filters % self.blocks:
            counts = f"{source.channels} channels and {self.filters} filters"
            message = f"groups={self.groups} does not divide {counts}"
            raise Refused(Complaint(message, key="groups", code="bad-groups"))
        rows, columns = (
            output_size(inside, size=self.size, stride=stride, padding=2 * self.around)
            for inside, stride in ((source.height, self.stride_y), (source.width, self.stride_x))
        )
        if min(rows, columns) < 1:
            message = f"a kernel of {self.size} does not fit on a map of {source.height} x {source.width}"
            raise Refused(Complaint(message, key="size", code="too-small"))
        return Shape(self.filters, rows, columns)

    def check(self, *maps: Shape) -> Iterator[Complaint]:
        """The size that the dilated convolution has must be the size that Darknet's formula says."""
        loss = (self.spread - 1) * (self.size - 1 - 2 * self.around)
        if loss:
            keys = f"dilation={self.dilation} with size={self.size} and padding {self.around}"
            message = f"{keys} does not keep Darknet's output size"
            yield Complaint(message, key="dilation", reason="an odd size with pad=1 does")

    def window(self, *maps: Shape) -> Window:
        """The kernel, with its holes."""
        size, before = (self.size - 1) * self.spread + 1, self.around * self.spread
        rows, columns = (Axis(size, step, before, self.spread) for step in (self.stride_y, self.stride_x))
        return Window(rows, columns)

    def cost(self, *maps: Shape) -> Cost:
        """Weights, biases and BN's three arrays; 2 x MACs, biases and activations not counted."""
        weights = self.filters * (maps[0].channels // self.blocks) * self.size**2
        macs = weights * self.shape(*maps).cells
        arrays, learned = (4, 2) if self.batch_normalize else (1, 1)
        floats, trained = weights + arrays * self.filters, weights + learned * self.filters
        if self.shared:
            floats = trained = 0
        if self.xnor:
            return Cost(floats, trained, others=2 * macs // BITS)
        return Cost(floats, trained, macs)

    def module(self, *maps: Shape) -> nn.Module:
        """`conv`, `norm` if asked, and `act`, in sequence."""
        from torch import nn

        from darknet_py.ops.block import ConvBlock, batch_norm

        conv = nn.Conv2d(
            maps[0].channels,
            self.filters,
            self.size,
            stride=(self.stride_y, self.stride_x),
            padding=self.around * self.spread,
            dilation=self.spread,
            groups=self.blocks,
            bias=not self.batch_normalize,
        )
        norm = batch_norm(self.filters) if self.batch_normalize else None
        return ConvBlock(conv, norm, activation(self.activation))

    def onnx(self, nodes: Nodes, *maps: str) -> str:
        """A convolution and its activation; batch normalisation is folded into the weights."""
        from darknet_py.onnx_ops.convolution import convolution

        pads, sides = [self.around * self.spread] * 4, [self.size] * 2
        strides, dilations = [self.stride_y, self.stride_x], [self.spread] * 2
        out = convolution(
            nodes,
            maps[0],
            kernel_shape=sides,
            strides=strides,
            pads=pads,
            dilations=dilations,
            group=self.blocks,
        )
        return activation_nodes(self.activation, nodes, out)

    def array_shapes(self, *maps: Shape) -> Iterator[tuple[str, tuple[int, ...]]]:
        """As `arrays`."""
        if not self.shared:
            weights = (self.filters, maps[0].channels // self.blocks, self.size, self.size)
            yield from block_shapes(self.filters, weights, normalized=self.batch_normalize)

    def arrays(self, module: nn.Module) -> Iterator[tuple[str, Tensor]]:
        """Biases first, then BN's scales, means and variances, then the weights; none of those it shares."""
        from darknet_py.ops.block import ConvBlock, norm_arrays

        assert isinstance(module, ConvBlock)
        if self.shared:
            return
        yield "biases", module.biases
        if module.norm is not None:
            yield from norm_arrays(module.norm)
        yield "weights", module.conv.weight
