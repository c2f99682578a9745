"""`[implicit]`: a learned map that does not depend on its input."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from darknet_py.arithmetic.cost import Cost
from darknet_py.arithmetic.shape import Shape
from darknet_py.arithmetic.window import Everywhere, Window
from darknet_py.cfg.keys import key
from darknet_py.layers.base import Layer

if TYPE_CHECKING:
    from torch import Tensor, nn

    from darknet_py.onnx_ops.nodes import Nodes


class Implicit(Layer, section="implicit"):
    """The same learned numbers for every image, to be added, multiplied or routed.

    Wang, Yeh and Liao, "You only learn one representation: unified network for multiple tasks", 2021,
    arXiv:2105.04206. From its input it takes only the number of images.

        [implicit]
        filters = 128
    """

    filters: int = key(128, at_least=1, at_most=1 << 20, doc="channels")
    atoms: int = key(1, at_least=1, at_most=1 << 20, doc="rows")
    mean: float = key(0.0, doc="mean of the initial numbers")
    std: float = key(0.2, at_least=0, doc="initial numbers are uniform in mean ± std")

    def shape(self, *maps: Shape) -> Shape:
        """One column."""
        return Shape(self.filters, self.atoms, 1)

    def window(self, *maps: Shape) -> Window:
        """Nothing."""
        return Window(Everywhere(0), Everywhere(0))

    def cost(self, *maps: Shape) -> Cost:
        """Its numbers."""
        return Cost(self.filters * self.atoms, self.filters * self.atoms)

    def module(self, *maps: Shape) -> nn.Module:
        """The numbers, repeated."""
        from darknet_py.ops.implicit import Constant

        return Constant((self.filters, self.atoms), mean=self.mean, spread=self.std)

    def onnx(self, nodes: Nodes, *maps: str) -> str:
        """The numbers, repeated."""
        from darknet_py.onnx_ops.map import repeated

        weights = nodes.constant(nodes.arrays["weights"][None], "weights")
        return repeated(nodes, weights, maps[0], (self.filters, self.atoms, 1))

    def array_shapes(self, *maps: Shape) -> Iterator[tuple[str, tuple[int, ...]]]:
        """As `arrays`."""
        yield "weights", (self.filters, self.atoms, 1)

    def arrays(self, module: nn.Module) -> Iterator[tuple[str, Tensor]]:
        """Its numbers, channel by channel."""
        from darknet_py.ops.implicit import Constant

        assert isinstance(module, Constant)
        yield "weights", module.weight
