"""`[local]`: a convolution with separate filters at every position."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from darknet_py.arithmetic.cost import Cost
from darknet_py.arithmetic.shape import Shape
from darknet_py.arithmetic.window import Axis, Window, output_size
from darknet_py.cfg.diagnostics import Complaint, Refused
from darknet_py.cfg.keys import key
from darknet_py.layers.base import Layer
from darknet_py.layers.transforms.activations import ACTIVATIONS, NAMES, activation_nodes

if TYPE_CHECKING:
    from torch import Tensor, nn

    from darknet_py.onnx_ops.nodes import Nodes


class Local(Layer, section="local"):
    """A convolution with other weights at every output cell, and a bias for every output number.

    Redmon, Divvala, Girshick and Farhadi, "You only look once: unified, real-time object detection", CVPR
    2016, arXiv:1506.02640, end in one. `pad` is a number of cells. Darknet counts no BFLOPs for it.

        [local]
        size = 3
        stride = 1
        pad = 1
        filters = 6
        activation = leaky
    """

    filters: int = key(1, at_least=1, at_most=1 << 20, doc="output channels")
    size: int = key(1, at_least=1, at_most=1024, doc="side of the kernel", unit="cells")
    stride: int = key(1, at_least=1, at_most=1024, doc="step of the kernel", unit="cells")
    pad: int = key(0, at_least=0, at_most=1024, doc="zeros on every side", unit="cells")
    activation: str = key("logistic", one_of=NAMES, doc="function of each output")

    def shape(self, *maps: Shape) -> Shape:
        """Filters, and Darknet's output size, which takes any padding to keep the map's."""
        sides = (maps[0].height, maps[0].width)
        rows, columns = (
            output_size(side, size=1 if self.pad else self.size, stride=self.stride, padding=0)
            for side in sides
        )
        found = tuple(
            output_size(side, size=self.size, stride=self.stride, padding=2 * self.pad) for side in sides
        )
        if min(*found, rows, columns) < 1:
            message = f"a kernel of {self.size} does not fit on a map of {maps[0].height} x {maps[0].width}"
            raise Refused(Complaint(message, key="size", code="too-small"))
        if found != (rows, columns):
            message = f"size={self.size} with pad={self.pad} does not keep Darknet's output size"
            reason = "Darknet takes a map with `pad` to keep its size; pad=1 with size=3 does"
            raise Refused(Complaint(message, key="size", code="shapes-differ", reason=reason))
        return Shape(self.filters, rows, columns)

    def window(self, *maps: Shape) -> Window:
        """The kernel."""
        axis = Axis(self.size, self.stride, self.pad)
        return Window(axis, axis)

    def cost(self, *maps: Shape) -> Cost:
        """A bias for every number put out, a kernel for each; no operations, as Darknet has it."""
        outputs = self.shape(*maps).floats
        count = outputs + outputs * maps[0].channels * self.size**2
        return Cost(count, count)

    def module(self, *maps: Shape) -> nn.Module:
        """Products of windows with their own weights, then the activation."""
        from darknet_py.ops.local import LocallyConnected

        out = self.shape(*maps)
        return LocallyConnected(
            maps[0].channels,
            (out.channels, out.height, out.width),
            window=(self.size, self.stride, self.pad),
            act=ACTIVATIONS[self.activation](),
        )

    def onnx(self, nodes: Nodes, *maps: str) -> str:
        """Products of windows with their own weights, then the activation."""
        from darknet_py.onnx_ops.local import locally_connected

        window = (self.size, self.stride, self.pad)
        out = locally_connected(nodes, maps[0], self.shape(*nodes.maps), window)
        return activation_nodes(self.activation, nodes, out)

    def array_shapes(self, *maps: Shape) -> Iterator[tuple[str, tuple[int, ...]]]:
        """As `arrays`."""
        out = self.shape(*maps)
        yield "biases", (out.channels, out.height, out.width)
        yield "weights", (out.cells, out.channels, maps[0].channels * self.size**2)

    def arrays(self, module: nn.Module) -> Iterator[tuple[str, Tensor]]:
        """Biases (filters, rows, columns), then the weights cell by cell (filters, channels, size, size)."""
        from darknet_py.ops.local import LocallyConnected

        assert isinstance(module, LocallyConnected)
        yield "biases", module.bias
        yield "weights", module.weight
