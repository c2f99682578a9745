"""`[sppnet]`: the original spatial pyramid, grids of several levels in one vector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.keys import key
from darknet_py.layers.full_map import FullMap
from darknet_py.layers.pools.base import WindowPool
from darknet_py.layers.pools.pyramid import Pyramid

if TYPE_CHECKING:
    from torch import nn

    from darknet_py.onnx_ops.nodes import Nodes


class SppNet(Pyramid, FullMap, section="sppnet"):
    """An l x l grid of bins for each level l, flattened and concatenated: one length for any map size.

    He, Zhang, Ren and Sun, "Spatial pyramid pooling in deep convolutional networks for visual recognition",
    ECCV 2014, arXiv:1406.4729. Bin (i, j) covers rows floor(i H / l) to ceil((i + 1) H / l), and columns
    by the same rule. The output has C * sum(l²) numbers: levels in order, each by channels, then by rows.

        [sppnet]
        levels = 4,2,1
        pool = max
    """

    levels: tuple[int, ...] = key((4, 2, 1), at_least=1, at_most=1024, doc="bins along a side, of each grid")

    def pools(self) -> tuple[WindowPool, ...]:
        """One for each level."""
        return tuple(self.branch(adaptive=level) for level in self.levels)

    def shape(self, *maps: Shape) -> Shape:
        """All bins, as channels of one cell."""
        return Shape(sum(pool.shape(*maps).floats for pool in self.pools()), 1, 1)

    def module(self, *maps: Shape) -> nn.Module:
        """The modules of the levels, flattened and concatenated."""
        from darknet_py.ops.pools.spp import ConcatFlattened

        return ConcatFlattened(pool.module(*maps) for pool in self.pools())

    def onnx(self, nodes: Nodes, *maps: str) -> str:
        """The pools of the levels, flattened and concatenated."""
        from darknet_py.onnx_ops.map import concatenated
        from darknet_py.onnx_ops.vectors import as_cell

        branches = self.branches_onnx(nodes, maps[0])
        return concatenated(nodes, [as_cell(nodes, branch) for branch in branches])
