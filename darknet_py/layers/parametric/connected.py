"""`[connected]`: every output reads every number of the map."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from darknet_py.arithmetic.cost import Cost
from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.keys import key
from darknet_py.layers.full_map import FullMap
from darknet_py.layers.parametric.block import block_shapes
from darknet_py.layers.transforms.activations import NAMES, activation, activation_nodes

if TYPE_CHECKING:
    from torch import Tensor, nn

    from darknet_py.onnx_ops.nodes import Nodes


class Connected(FullMap, section="connected", aliases=("conn",)):
    """y = activation(W x + b) of the map as one vector, channel by channel; batch normalisation if asked.

    Darknet counts no BFLOPs for it, so `macs` are 0. AlexeyAB's Darknet never updates its weights (a flag is
    missing); here they are trained, as pjreddie's does.

        [connected]
        output = 10
        activation = linear
    """

    other_names = "fc dense fully_connected full inner_product"

    output: int = key(1, at_least=1, at_most=1 << 20, doc="numbers put out")
    activation: str = key("logistic", one_of=NAMES, doc="function of each output")
    batch_normalize: bool = key(False, doc="normalise each output over the batch")

    def shape(self, *maps: Shape) -> Shape:
        """As many channels of one cell."""
        return Shape(self.output, 1, 1)

    def cost(self, *maps: Shape) -> Cost:
        """Weights, biases and BN's three arrays."""
        weights = self.output * maps[0].floats
        arrays, learned = (4, 2) if self.batch_normalize else (1, 1)
        return Cost(weights + arrays * self.output, weights + learned * self.output)

    def module(self, *maps: Shape) -> nn.Module:
        """`linear`, `norm` if asked, and `act`, in sequence."""
        from torch import nn

        from darknet_py.ops.block import LinearBlock, batch_norm

        linear = nn.Linear(maps[0].floats, self.output, bias=not self.batch_normalize)
        norm = batch_norm(self.output) if self.batch_normalize else None
        return LinearBlock(linear, norm, activation(self.activation))

    def onnx(self, nodes: Nodes, *maps: str) -> str:
        """A product of matrices, batch normalisation folded into it, and the activation."""
        from darknet_py.onnx_ops.vectors import connected

        return activation_nodes(self.activation, nodes, connected(nodes, maps[0]))

    def array_shapes(self, *maps: Shape) -> Iterator[tuple[str, tuple[int, ...]]]:
        """As `arrays`."""
        weights = (self.output, maps[0].floats)
        normalized = self.batch_normalize
        yield from block_shapes(self.output, weights, normalized=normalized, weights_last=False)

    def arrays(self, module: nn.Module) -> Iterator[tuple[str, Tensor]]:
        """Biases, weights (outputs x inputs), then BN's scales, means and variances."""
        from darknet_py.ops.block import LinearBlock, norm_arrays

        assert isinstance(module, LinearBlock)
        yield "biases", module.biases
        yield "weights", module.linear.weight
        if module.norm is not None:
            yield from norm_arrays(module.norm)
