"""Min pooling."""

from __future__ import annotations

from torch import Tensor, nn

from darknet_py.ops.pools.window import Grid


class WindowMinimum(nn.Module):
    """The minimum of each window of a grid."""

    def __init__(self, grid: Grid) -> None:
        super().__init__()
        self.grid = grid

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H', W')."""
        return self.grid.in_parts(lambda part: -self.grid.maximum(-part), x, self.grid.outputs(x))
