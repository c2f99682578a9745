"""`[implicit]`: a learned map that reads nothing."""

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


class Implicit(Layer, section="implicit"):
    """The same learned numbers for every image, to be added, multiplied or routed.

    Wang, Yeh and Liao, "You only learn one representation: unified network for multiple tasks", 2021,
    arXiv:2105.04206. It reads the map before for the number of images alone.

        [implicit]
        filters = 128
    """

    filters: int = key(128, at_least=1, at_most=1 << 20, doc="channels")
    atoms: int = key(1, at_least=1, at_most=1 << 20, doc="rows")
    mean: float = key(0.0, doc="middle of the first numbers")
    std: float = key(0.2, at_least=0, doc="the first numbers lie so far around the mean, all alike")

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

    def arrays(self, module: nn.Module) -> Iterator[Tensor]:
        """Its numbers, channel by channel."""
        yield module.weight
