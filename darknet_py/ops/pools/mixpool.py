"""Combinations of the maximum and the mean of windows."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from darknet_py.ops.keyed import Keyed
from darknet_py.ops.learned import Learned
from darknet_py.ops.pools.window import Grid


class BlendedPool(nn.Module):
    """alpha max + (1 - alpha) mean."""

    def __init__(self, grid: Grid, alpha: float) -> None:
        super().__init__()
        self.grid, self.alpha = grid, alpha

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H', W')."""
        return self.grid.in_parts(self._blended, x, self.grid.outputs(x))

    def _blended(self, x: Tensor) -> Tensor:
        return blend(self.grid.maximum(x), self.grid.mean(x), self.alpha)


class ConcatenatedPool(nn.Module):
    """The means, then the maxima, as channels; alpha is not used."""

    def __init__(self, grid: Grid, alpha: float) -> None:
        super().__init__()
        self.grid = grid

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, 2 C, H', W')."""
        return torch.cat([self.grid.mean(x), self.grid.maximum(x)], dim=1)


class RandomPool(Keyed):
    """In training, the maximum with probability alpha, else the mean; in evaluation, the expected value."""

    def __init__(self, grid: Grid, alpha: float) -> None:
        super().__init__()
        self.grid, self.alpha = grid, alpha

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H', W')."""
        sides = self.grid.outputs(x)
        if not self.training:
            return self.grid.in_parts(self._expected, x, sides)
        chosen = self.uniform(torch.Size((*x.shape[:2], *sides)), like=x) < self.alpha
        return self.grid.in_parts(self._sampled, x, sides, mask=chosen)

    def _expected(self, x: Tensor) -> Tensor:
        return blend(self.grid.maximum(x), self.grid.mean(x), self.alpha)

    def _sampled(self, x: Tensor, chosen: Tensor) -> Tensor:
        return torch.where(chosen, self.grid.maximum(x), self.grid.mean(x))


class GatedPool(Learned):
    """alpha is the sigmoid of a learned product with the window; the cfg's alpha is not used."""

    def __init__(self, grid: Grid, alpha: float) -> None:
        super().__init__()
        self.grid = grid
        self.gate = nn.Parameter(torch.zeros(grid.size, grid.size))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H', W')."""
        return self.grid.in_parts(self._gated, x, self.grid.outputs(x), self.gate)

    def _gated(self, x: Tensor, gate: Tensor) -> Tensor:
        filters = gate.expand(x.shape[1], 1, -1, -1)
        padded = self.grid.pad(x, 0.0)
        product = nn.functional.conv2d(padded, filters, stride=self.grid.strides, groups=x.shape[1])
        return blend(self.grid.maximum(x), self.grid.mean(x), product.sigmoid())

    def initialise(self, generator: torch.Generator) -> None:
        """Zeros: the maximum and the mean start with equal weights."""
        self.gate.zero_()


def blend(maximum: Tensor, mean: Tensor, alpha: float | Tensor) -> Tensor:
    """alpha * maximum + (1 - alpha) * mean."""
    return alpha * maximum + (1 - alpha) * mean


MIXTURES = {"add": BlendedPool, "cat": ConcatenatedPool, "random": RandomPool, "gated": GatedPool}
