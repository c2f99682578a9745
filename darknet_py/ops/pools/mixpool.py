"""The maximum and the mean of windows, put together."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from darknet_py.ops.keyed import Keyed
from darknet_py.ops.learned import Learned
from darknet_py.ops.pools.parts import in_parts
from darknet_py.ops.pools.window import Grid


class BlendedPool(nn.Module):
    """alpha max + (1 - alpha) mean."""

    def __init__(self, grid: Grid, alpha: float) -> None:
        super().__init__()
        self.grid, self.alpha = grid, alpha

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H', W')."""
        return in_parts(self._mixed, x, self.grid.outputs(x))

    def _mixed(self, x: Tensor) -> Tensor:
        return mixed(self.grid.maximum(x), self.grid.mean(x), self.alpha)


class ConcatenatedPool(nn.Module):
    """The means, then the maxima; alpha has no part in it."""

    def __init__(self, grid: Grid, alpha: float) -> None:
        super().__init__()
        self.grid = grid

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, 2 C, H', W')."""
        return torch.cat([self.grid.mean(x), self.grid.maximum(x)], dim=1)


class RandomPool(Keyed):
    """In training the maximum with chance alpha, else the mean, for each window; else the expected value."""

    def __init__(self, grid: Grid, alpha: float) -> None:
        super().__init__()
        self.grid, self.alpha = grid, alpha

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H', W')."""
        sides = self.grid.outputs(x)
        if not self.training:
            return in_parts(self._expected, x, sides)
        chosen = self.uniform(torch.Size((*x.shape[:2], *sides)), like=x) < self.alpha
        return in_parts(self._drawn, x, sides, chosen=chosen)

    def _expected(self, x: Tensor) -> Tensor:
        return mixed(self.grid.maximum(x), self.grid.mean(x), self.alpha)

    def _drawn(self, x: Tensor, chosen: Tensor) -> Tensor:
        return torch.where(chosen, self.grid.maximum(x), self.grid.mean(x))


class GatedPool(Learned):
    """alpha is learned: the sigmoid of a product with the window; the cfg's alpha has no part in it."""

    def __init__(self, grid: Grid, alpha: float) -> None:
        super().__init__()
        self.grid = grid
        self.gate = nn.Parameter(torch.zeros(grid.size, grid.size))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H', W')."""
        return in_parts(self._gated, x, self.grid.outputs(x), self.gate)

    def _gated(self, x: Tensor, gate: Tensor) -> Tensor:
        filters = gate.expand(x.shape[1], 1, -1, -1)
        padded = self.grid.pad(x, 0.0)
        product = nn.functional.conv2d(padded, filters, stride=self.grid.strides, groups=x.shape[1])
        return mixed(self.grid.maximum(x), self.grid.mean(x), product.sigmoid())

    def initialise(self, generator: torch.Generator) -> None:
        """Zeros: the maximum and the mean begin with equal shares."""
        self.gate.zero_()


def mixed(greatest: Tensor, mean: Tensor, alpha: float | Tensor) -> Tensor:
    """alpha of the one, the rest of the other."""
    return alpha * greatest + (1 - alpha) * mean


MIXTURES = {"add": BlendedPool, "cat": ConcatenatedPool, "random": RandomPool, "gated": GatedPool}
