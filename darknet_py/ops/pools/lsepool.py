"""The log-mean-exp of windows; the cells are never laid out."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from darknet_py.ops.pools.parts import in_parts_by_hand, zeros
from darknet_py.ops.pools.window import Grid

SHARP = 1.0  # the r from which an error of float32's epsilon / r is none to a map of numbers near 1


def log_of_mean(total: Tensor, excess: Tensor, count: Tensor) -> Tensor:
    """log(total / count), of sums of exp(y) and of expm1(y) over `count` cells whose greatest y is 0.

    Near 1 the mean's distance from 1 has more digits than the mean; far below 1 it has fewer.
    """
    distance = excess / count
    near = distance.clamp(min=-0.5)  # the rest is not taken, and has no gradient that is not finite
    return torch.where(distance > -0.5, near.log1p(), (total / count).log())


class LogMeanExp(nn.Module):
    """log(mean(exp(r x))) / r on the windows of a grid. Of training, only the map is kept."""

    def __init__(self, grid: Grid, r: float) -> None:
        super().__init__()
        self.grid, self.r = grid, r

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H', W'), computed in float32 at least."""
        pool, pull = (partial(rule, grid=self.grid, r=self.r) for rule in (_of_part, _pulled))
        return in_parts_by_hand(pool, pull, x, self.grid.outputs(x))


def _of_part(x: Tensor, grid: Grid, r: float) -> Tensor:
    """expm1 takes five times as long as exp, so a sharp pool does without."""
    greatest, count = grid.maximum(x), grid.counts(x)
    total, excess = zeros(x, grid.outputs(x)), zeros(x, grid.outputs(x))
    for _, windows, place in grid.cells(x):
        exponents = (x[place] - greatest[windows]).mul_(r)
        total[windows] += exponents.exp()
        if r < SHARP:
            excess[windows] += exponents.expm1_()
    logarithm = log_of_mean(total, excess, count) if r < SHARP else (total / count).log()
    return greatest + logarithm / r


def _pulled(x: Tensor, gradient: Tensor, grid: Grid, r: float) -> Tensor:
    """Each cell's share of the pull on a window is its exponential over their sum."""
    greatest, total = grid.maximum(x), zeros(x, grid.outputs(x))
    for _, windows, place in grid.cells(x):
        total[windows] += (x[place] - greatest[windows]).mul_(r).exp_()
    pull, spread = gradient / total, zeros(x, (x.shape[2], x.shape[3]))
    for _, windows, place in grid.cells(x):
        spread[place].addcmul_((x[place] - greatest[windows]).mul_(r).exp_(), pull[windows])
    return spread
