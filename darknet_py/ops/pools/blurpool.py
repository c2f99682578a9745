"""Max pooling followed by a low-pass filter."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from darknet_py.ops.pools.window import Grid


class BlurredMaximum(nn.Module):
    """The maxima of a grid, then a binomial filter over those inside the map, with its own strides."""

    def __init__(self, maxima: Grid, taps: int, strides: tuple[int, int]) -> None:
        super().__init__()
        self.maxima, self.blur = maxima, Grid(taps, strides, taps - 1)
        self.weights = [math.comb(taps - 1, k) / 2 ** (taps - 1) for k in range(taps)]

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H', W')."""
        sides = self.blur.outputs(x.new_empty(1, 1, *self.maxima.outputs(x)))

        def pooled(part: Tensor) -> Tensor:
            maxima = self.maxima.maximum(part)
            return self._filtered(maxima) / self._filtered(torch.ones_like(maxima[:1, :1]))

        return self.blur.in_parts(pooled, x, sides)

    def _filtered(self, x: Tensor) -> Tensor:
        """The weighted sum of the cells under the filter, 0 outside of the map: down, then across."""
        x = self.blur.pad(x, 0.0)
        taps = list(enumerate(self.weights))
        for step in self.blur.strides:
            x = x.transpose(2, 3)  # rows as columns, and back again
            last = x.shape[3] - len(taps) + 1
            x = sum(weight * x[..., k : last + k : step] for k, weight in taps)
        return x
