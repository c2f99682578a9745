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

        def blended(part: Tensor) -> Tensor:
            return blend(self.grid.maximum(part), self.grid.mean(part), self.alpha)

        return self.grid.in_parts(blended, x, self.grid.outputs(x))


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

        def expected(part: Tensor) -> Tensor:
            return blend(self.grid.maximum(part), self.grid.mean(part), self.alpha)

        def sampled(part: Tensor, takes_maximum: Tensor) -> Tensor:
            return torch.where(takes_maximum, self.grid.maximum(part), self.grid.mean(part))

        if not self.training:
            return self.grid.in_parts(expected, x, sides)
        mask = self.uniform(torch.Size((*x.shape[:2], *sides)), like=x) < self.alpha
        return self.grid.in_parts(sampled, x, sides, mask=mask)


class GatedPool(Learned):
    """alpha is the sigmoid of a learned product with the window; the cfg's alpha is not used."""

    def __init__(self, grid: Grid, alpha: float) -> None:
        super().__init__()
        self.grid = grid
        self.gate = nn.Parameter(torch.zeros(grid.size, grid.size))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H', W')."""

        def gated(part: Tensor, gate: Tensor) -> Tensor:
            filters, padded = gate.expand(part.shape[1], 1, -1, -1), self.grid.pad(part, 0.0)
            product = nn.functional.conv2d(padded, filters, stride=self.grid.strides, groups=part.shape[1])
            return blend(self.grid.maximum(part), self.grid.mean(part), product.sigmoid())

        return self.grid.in_parts(gated, x, self.grid.outputs(x), self.gate)

    def initialise(self, generator: torch.Generator) -> None:
        """Zeros: the maximum and the mean start with equal weights."""
        self.gate.zero_()


def blend(maximum: Tensor, mean: Tensor, alpha: float | Tensor) -> Tensor:
    """alpha * maximum + (1 - alpha) * mean."""
    return alpha * maximum + (1 - alpha) * mean


MIXTURES = {"add": BlendedPool, "cat": ConcatenatedPool, "random": RandomPool, "gated": GatedPool}
