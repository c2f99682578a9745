"""Power means of windows, (mean(x^p))^(1/p), of non-negative numbers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from darknet_py.ops.learned import Learned
from darknet_py.ops.pools.reduction import WindowReduction
from darknet_py.ops.pools.window import Grid

LARGEST = 5.0  # the largest p for which powers of cells between 3e-8 and 5e7 fit in float32

PowerMean = Callable[[Tensor, Grid, "float | Tensor"], Tensor]


def power_mean_of_cells(cells: Tensor, inside: Tensor, p: float | Tensor) -> Tensor:
    """(N, C, H', W', S) to (N, C, H', W'): each window is scaled to a maximum of 1, so any p is exact.

    The mean is homogeneous, so its gradient takes the scale as a constant. A window of zeros has gradient 0.
    """
    maximum = (cells * inside).detach().amax(dim=-1)
    powers = (cells / maximum.where(maximum > 0, 1.0).unsqueeze(-1)).pow(p) * inside
    mean = (powers.sum(dim=-1) / inside.sum(dim=-1)).where(maximum > 0, 1.0)
    return maximum * mean.pow(1 / p)


def by_windows(x: Tensor, grid: Grid, p: float | Tensor) -> Tensor:
    """(N, C, H, W) to (N, C, H', W'), for any p: the definition."""
    pooled: Tensor = WindowReduction(grid, partial(power_mean_of_cells, p=p))(x)
    return pooled


def by_map(x: Tensor, grid: Grid, p: float | Tensor) -> Tensor:
    """(N, C, H, W) to (N, C, H', W'), for p up to LARGEST: a local average of powers of the map.

    Cells whose power underflows count as 0, and a window of only those has gradient 0. If a learned p reaches
    9, cells of 1e4 overflow.
    """

    def pooled(x: Tensor, p: float | Tensor = p) -> Tensor:
        mean = grid.mean(x.pow(p))
        zero = mean <= torch.finfo(mean.dtype).tiny
        return mean.masked_fill(zero, 1.0).pow(1 / p).masked_fill(zero, 0.0)

    return grid.in_parts(pooled, x, grid.outputs(x), *([p] if isinstance(p, Tensor) else []))


def power_mean(p: float) -> PowerMean:
    """The faster way to compute the mean for this p."""
    return by_map if p <= LARGEST else by_windows


class LpNorm(nn.Module):
    """The power mean of magnitudes."""

    def __init__(self, grid: Grid, p: float) -> None:
        super().__init__()
        self.grid, self.p, self.mean = grid, p, power_mean(p)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H', W'), computed in float32 at least."""
        exact = x if x.dtype == torch.float64 else x.float()
        return self.mean(exact.abs(), self.grid, self.p).to(x.dtype)


class GeneralisedMean(Learned):
    """The power mean of cells clamped to at least `eps`; p is a parameter, or a number."""

    def __init__(self, grid: Grid, start: float, *, eps: float, learn: bool) -> None:
        super().__init__()
        self.grid, self.start, self.eps, self.mean = grid, start, eps, power_mean(start)
        self.p = nn.Parameter(torch.tensor([start])) if learn else start

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H', W'), computed in float32 at least."""
        exact = x if x.dtype == torch.float64 else x.float()
        return self.mean(exact.clamp(min=self.eps), self.grid, self.p).clamp(min=self.eps).to(x.dtype)

    def initialise(self, generator: torch.Generator) -> None:
        """p as in the cfg."""
        if isinstance(self.p, nn.Parameter):
            self.p.fill_(self.start)
