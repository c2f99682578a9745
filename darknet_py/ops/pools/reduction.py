"""Pools computed by their definition: the cells of every window unfolded, then reduced.

Unfolded at once, windows of S cells take S times the memory of the map. So the work is split into parts of
some channels and some rows of windows; the backward pass computes a part again instead of storing it.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from darknet_py.ops.pools.parts import recording
from darknet_py.ops.pools.window import Grid

LARGEST_PART = 0.25  # of the map's size, unfolded at once; a reduction needs a few maps of that size

Reduce = Callable[[Tensor, Tensor], Tensor]


class WindowReduction(nn.Module):
    """`reduce(cells, inside)` on the windows of a grid; see `WindowPool.reduce` for the shapes."""

    def __init__(self, grid: Grid, reduce: Reduce) -> None:
        super().__init__()
        self.grid, self.reduce = grid, reduce

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H', W')."""
        planes = x.reshape(1, -1, *x.shape[2:])
        inside = self.grid.unfolded(self.grid.pad(torch.ones_like(planes[:, :1]), 0.0)) > 0
        if recording():
            return self._rows(x, inside, 0, inside.shape[2])
        row_size, rows = inside[0, 0, 0].numel(), inside.shape[2]
        most = max(1, int(LARGEST_PART * x.numel()) // row_size)  # rows of one channel, unfolded at once
        channels, rows = max(1, most // rows), min(rows, most)
        pooled = [
            torch.cat([self._rows(part, inside, at, rows) for at in range(0, inside.shape[2], rows)], dim=2)
            for part in torch.split(planes, channels, dim=1)
        ]
        return torch.cat(pooled, dim=1).reshape(*x.shape[:2], *inside.shape[2:4])

    def _rows(self, x: Tensor, inside: Tensor, start: int, rows: int) -> Tensor:
        """Reduce `rows` rows of windows from row `start` on."""

        def pooled(x: Tensor) -> Tensor:
            cells = self.grid.unfolded(self.grid.pad(x, 0.0))[:, :, start : start + rows].flatten(-2)
            return self.reduce(cells, inside[:, :, start : start + rows].flatten(-2))

        if torch.is_grad_enabled() and x.requires_grad and not recording():
            recomputed: Tensor = checkpoint(pooled, x, use_reentrant=False)
            return recomputed
        return pooled(x)
