"""`[gempool]`: the generalised mean of each window, its power learned."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from darknet_py.arithmetic.cost import Cost
from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.diagnostics import Complaint, Refused
from darknet_py.cfg.keys import key
from darknet_py.layers.pools.base import WindowPool

if TYPE_CHECKING:
    from torch import Tensor, nn

    from darknet_py.onnx_ops.nodes import Nodes


class GemPool(WindowPool, section="gempool"):
    """(mean(max(x_i, eps)^p))^(1/p) of each window, one p for the layer.

    Radenovic, Tolias and Chum, "Fine-tuning CNN image retrieval with no human annotation", TPAMI 2018,
    arXiv:1711.02512, where the window is the full map (`adaptive = 1`). p = 1 averages, a large p takes the
    maximum. Cells below eps count as eps and have no gradient. `.weights` has p alone.

        [gempool]
        size = 2
        stride = 2
    """

    p: float = key(3.0, above=0, doc="the power; its initial value if it is learned")
    eps: float = key(1e-6, above=0, doc="lower bound of the cells")
    learn: bool = key(True, doc="whether p is learned")

    def reduce(self, cells: Tensor, inside: Tensor) -> Tensor:
        """The power mean with the p of the cfg."""
        from darknet_py.ops.pools.power import power_mean_of_cells

        return power_mean_of_cells(cells.clamp(min=self.eps), inside, self.p)

    def cost(self, *maps: Shape) -> Cost:
        """The window's, and p."""
        return super().cost(*maps) + Cost(self.learn, self.learn)

    def module(self, *maps: Shape) -> nn.Module:
        """Powers of the map, and a local average of them; a large p goes window by window."""
        from darknet_py.ops.pools.power import GeneralisedMean

        return GeneralisedMean(self.grid(), self.p, eps=self.eps, learn=self.learn)

    def onnx(self, nodes: Nodes, *maps: str) -> str:
        """Powers of the map, and a local average of them; a large p goes window by window."""
        from darknet_py.onnx_ops.pools.reduction import power_mean

        p = float(nodes.arrays["p"][0]) if self.learn else self.p
        if p == 0:
            reason = "a mean of powers has an exponent other than 0"
            raise Refused(
                Complaint("the p of the weights is 0", key="learn", code="bad-value", reason=reason)
            )
        least = nodes.constant(self.eps)
        mean = power_mean(nodes, nodes.add("Max", maps[0], least), self.windows(), p)
        return nodes.add("Max", mean, least)

    def array_shapes(self, *maps: Shape) -> Iterator[tuple[str, tuple[int, ...]]]:
        """As `arrays`."""
        if self.learn:
            yield "p", (1,)

    def arrays(self, module: nn.Module) -> Iterator[tuple[str, Tensor]]:
        """p."""
        from torch import nn

        from darknet_py.ops.pools.power import GeneralisedMean

        if isinstance(module, GeneralisedMean) and isinstance(module.p, nn.Parameter):
            yield "p", module.p
