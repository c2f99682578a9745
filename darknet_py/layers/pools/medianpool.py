"""`[medianpool]`: the median of each window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.keys import key
from darknet_py.layers.pools.base import WindowPool

if TYPE_CHECKING:
    from torch import Tensor, nn

    from darknet_py.onnx_ops.nodes import Nodes


class MedianPool(WindowPool, section="medianpool"):
    """The median of the existing cells of each window; its gradient goes to the cell, or cells, it is.

    Tukey, "Exploratory data analysis", 1977, for the running median of a signal. An even number of cells, as
    a border often has, has two middles: `even` says whether their mean is taken or the lower of them. Of
    equal cells the first, row by row, has the gradient.

        [medianpool]
        size = 3
        stride = 1
    """

    even: str = key("mean", one_of=("mean", "lower"), doc="of two middles: their mean, or the lower one")

    def reduce(self, cells: Tensor, inside: Tensor) -> Tensor:
        """Sorted, cells outside last; a window with a NaN has no median and gives NaN."""
        ascending = cells.masked_fill(~inside, float("inf")).sort(dim=-1, stable=True).values
        count = inside.sum(dim=-1, keepdim=True).expand(*cells.shape[:-1], 1)
        median = ascending.gather(-1, (count - 1) // 2).squeeze(-1)
        if self.even == "mean":
            upper = ascending.gather(-1, count // 2).squeeze(-1)
            median = (median + upper) / 2
        return median.masked_fill(cells.isnan().any(dim=-1), float("nan"))

    def module(self, *maps: Shape) -> nn.Module:
        """Minima and maxima of shifted maps; large windows by selection."""
        from darknet_py.ops.pools.median import Median

        return Median(self.grid(), lower=self.even == "lower")

    def onnx(self, nodes: Nodes, *maps: str) -> str:
        """Minima and maxima of shifted maps; large windows are sorted."""
        from darknet_py.onnx_ops.pools.median import median

        return median(nodes, maps[0], self.windows(), lower=self.even == "lower")
