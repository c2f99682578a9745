"""`[lppool]`: the power mean of each window's magnitudes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.keys import key
from darknet_py.layers.pools.base import WindowPool

if TYPE_CHECKING:
    from torch import Tensor, nn

    from darknet_py.onnx_ops.nodes import Nodes


class LpPool(WindowPool, section="lppool"):
    """(mean(|x_i|^p))^(1/p) of each window: a p-norm in which a constant stays itself, up to its sign.

    Boureau, Ponce and LeCun, "A theoretical analysis of feature pooling in visual recognition", ICML 2010.
    p = 1 averages magnitudes, a large p takes the greatest.

        [lppool]
        size = 2
        stride = 2
    """

    p: float = key(2.0, at_least=1, doc="1 averages magnitudes, a large one takes the greatest")

    def reduce(self, cells: Tensor, inside: Tensor) -> Tensor:
        """The power mean of the magnitudes."""
        from darknet_py.ops.pools.power import power_mean_of_cells

        return power_mean_of_cells(cells.abs(), inside, self.p)

    def module(self, *maps: Shape) -> nn.Module:
        """Powers of the map, and a local average of them; a large p goes window by window."""
        from darknet_py.ops.pools.power import LpNorm

        return LpNorm(self.grid(), self.p)

    def onnx(self, nodes: Nodes, *maps: str) -> str:
        """Powers of the map, and a local average of them; a large p goes window by window."""
        from darknet_py.onnx_ops.pools.reduction import power_mean

        return power_mean(nodes, nodes.add("Abs", maps[0]), self.windows(), self.p)
