"""The log-mean-exp of windows, without unfolding."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from darknet_py.ops.pools.parts import in_parts_with_gradient, sides_of, zeros
from darknet_py.ops.pools.window import Grid

SHARP = 1.0  # the r from which an error of float32's epsilon / r does not matter to numbers near 1


def log_of_mean(total: Tensor, excess: Tensor, count: Tensor) -> Tensor:
    """log(total / count), of sums of exp(y) and of expm1(y) over `count` cells whose maximum y is 0.

    Near 1, the mean's distance from 1 has more significant digits than the mean; far below 1, fewer.
    """
    distance = excess / count
    near = distance.clamp(min=-0.5)  # the rest is not selected, and its gradient stays finite
    return torch.where(distance > -0.5, near.log1p(), (total / count).log())


class LogMeanExp(nn.Module):
    """log(mean(exp(r x))) / r on the windows of a grid. Saves only the map for the backward pass."""

    def __init__(self, grid: Grid, r: float) -> None:
        super().__init__()
        self.grid, self.r = grid, r

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H', W'), computed in float32 at least."""
        pool, pull = (partial(rule, grid=self.grid, r=self.r) for rule in (_of_part, _pulled))
        return in_parts_with_gradient(pool, pull, x, self.grid.outputs(x))


def _of_part(x: Tensor, grid: Grid, r: float) -> Tensor:
    """expm1 takes five times as long as exp, so a sharp pool does not compute it."""
    maximum, count = grid.maximum(x), grid.counts(x)
    total, excess = zeros(x, grid.outputs(x)), zeros(x, grid.outputs(x))
    for _, windows, place in grid.cells(x):
        exponents = (x[place] - maximum[windows]).mul_(r)
        total[windows] += exponents.exp()
        if r < SHARP:
            excess[windows] += exponents.expm1_()
    logarithm = log_of_mean(total, excess, count) if r < SHARP else (total / count).log()
    return maximum + logarithm / r


def _pulled(x: Tensor, gradient: Tensor, grid: Grid, r: float) -> Tensor:
    """The gradient: each cell's share of its window's is its exponential over their sum."""
    maximum, total = grid.maximum(x), zeros(x, grid.outputs(x))
    for _, windows, place in grid.cells(x):
        total[windows] += (x[place] - maximum[windows]).mul_(r).exp_()
    pull, spread = gradient / total, zeros(x, sides_of(x))
    for _, windows, place in grid.cells(x):
        spread[place].addcmul_((x[place] - maximum[windows]).mul_(r).exp_(), pull[windows])
    return spread
