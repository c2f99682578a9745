"""`[lsepool]`: a smooth maximum, the logarithm of the mean exponential."""

from __future__ import annotations

from typing import TYPE_CHECKING

from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.keys import key
from darknet_py.layers.pools.base import WindowPool, hide
from darknet_py.layers.pools.laws import near

if TYPE_CHECKING:
    from torch import Tensor, nn

    from darknet_py.onnx_ops.nodes import Nodes


class LsePool(WindowPool, section="lsepool"):
    """The log-mean-exp of each window: log(mean(exp(r x_i))) / r.

    Pinheiro and Collobert, "From image-level to pixel-level labeling with convolutional networks", CVPR 2015,
    arXiv:1411.6228. Cells of like value get like weights; a large r takes the maximum, a small one averages.

        [lsepool]
        size = 2
        stride = 2
    """

    r: float = key(1.0, above=0, doc="sharpness: large it takes the maximum, towards 0 it averages")

    laws = (near("maxpool", r=1e3), near("local_avgpool", r=1e-3))

    def reduce(self, cells: Tensor, inside: Tensor) -> Tensor:
        """Exponentials of the distance to the greatest cell, so that none overflows."""
        from darknet_py.ops.pools.lsepool import log_of_mean

        existing, r = hide(cells, inside), self.sharpness()
        greatest = existing.detach().amax(dim=-1, keepdim=True)  # any constant gives the same result
        exponents = (existing - greatest) * r
        excess = exponents.expm1().masked_fill(~inside, 0.0).sum(dim=-1)
        logarithm = log_of_mean(exponents.exp().sum(dim=-1), excess, inside.sum(dim=-1))
        return greatest.squeeze(-1) + logarithm / r

    def sharpness(self) -> float:
        """r within what float32 can hold; beyond, the result is the mean or the maximum to its last digit."""
        return min(max(self.r, 1e-30), 1e30)

    def module(self, *maps: Shape) -> nn.Module:
        """Running sums of exponentials."""
        from darknet_py.ops.pools.lsepool import LogMeanExp

        return LogMeanExp(self.grid(), self.sharpness())

    def onnx(self, nodes: Nodes, *maps: str) -> str:
        """Exponentials of the gathered cells."""
        from darknet_py.onnx_ops.pools.reduction import log_mean_exp

        return log_mean_exp(nodes, maps[0], self.windows(), self.sharpness())
