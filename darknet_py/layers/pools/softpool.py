"""`[softpool]`: the cells of a window vote by softmax, so the strongest leads and none is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.keys import key
from darknet_py.layers.pools.base import WindowPool, hide
from darknet_py.layers.pools.laws import near

if TYPE_CHECKING:
    from torch import Tensor, nn

    from darknet_py.onnx_ops.nodes import Nodes


class SoftPool(WindowPool, section="softpool"):
    """The mean of each window, weighted by softmax: sum(x_i exp(x_i / t)) / sum(exp(x_i / t)).

    Stergiou, Poppe and Kalliatakis, "Refining activation downsampling with SoftPool", ICCV 2021,
    arXiv:2101.00440, where the temperature t is 1. Towards 0 it takes the maximum, large it averages.

        [softpool]
        size = 2
        stride = 2
    """

    temperature: float = key(1.0, above=0, doc="towards 0 it takes the maximum, large it averages")

    laws = (near("maxpool", temperature=1e-3), near("local_avgpool", temperature=1e3))

    def reduce(self, cells: Tensor, inside: Tensor) -> Tensor:
        """Weights from the distance to the greatest cell, so that no exponential overflows."""
        existing = hide(cells, inside)
        below = existing - existing.detach().amax(dim=-1, keepdim=True)
        return ((below / self.temperature).softmax(dim=-1) * cells).sum(dim=-1)

    def module(self, *maps: Shape) -> nn.Module:
        """Running sums of the weights and of what they weigh."""
        from darknet_py.ops.pools.window_sums import WindowSums, softmax_mean

        return WindowSums(self.grid(), softmax_mean(self.temperature))

    def onnx(self, nodes: Nodes, *maps: str) -> str:
        """Exponentials of the gathered cells."""
        from darknet_py.onnx_ops.pools.reduction import softmax_mean

        return softmax_mean(nodes, maps[0], self.windows(), self.temperature)
