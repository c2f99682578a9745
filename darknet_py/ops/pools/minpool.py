"""Minima of windows."""

from __future__ import annotations

from torch import Tensor, nn

from darknet_py.ops.pools.parts import in_parts
from darknet_py.ops.pools.window import Grid


class Least(nn.Module):
    """The least existing cell of each window of a grid."""

    def __init__(self, grid: Grid) -> None:
        super().__init__()
        self.grid = grid

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H', W')."""
        return in_parts(self._least, x, self.grid.outputs(x))

    def _least(self, x: Tensor) -> Tensor:
        return -self.grid.maximum(-x)
