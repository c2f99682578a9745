"""The log-mean-exp of windows; the cells are never laid out."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from darknet_py.layers.pools.parts_modules import empty, format_of, parts, taken, zeros
from darknet_py.layers.pools.window_modules import Grid

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
        exact = x if x.dtype == torch.float64 else x.float()
        if torch.is_grad_enabled() and x.requires_grad:
            return _Pooled.apply(exact, self.grid, self.r).to(x.dtype)
        return _pooled(exact, self.grid, self.r).to(x.dtype)


def _pooled(x: Tensor, grid: Grid, r: float) -> Tensor:
    pooled = empty(x, grid.outputs(x))
    for part in parts(x, grid.outputs(x)):
        pooled[part] = _of_part(taken(x, part), grid, r)
    return pooled


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


class _Pooled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, grid: Grid, r: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.grid, ctx.r = grid, r
        return _pooled(x, grid, r)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (x,) = ctx.saved_tensors
        spread = torch.empty_like(x, memory_format=format_of(x))
        for part in parts(x, gradient.shape[2:]):
            spread[part] = _pulled(taken(x, part), gradient[part], ctx.grid, ctx.r)
        return spread, None, None


def _pulled(x: Tensor, gradient: Tensor, grid: Grid, r: float) -> Tensor:
    """Each cell's share of the pull on a window is its exponential over their sum."""
    greatest, total = grid.maximum(x), zeros(x, grid.outputs(x))
    for _, windows, place in grid.cells(x):
        total[windows] += (x[place] - greatest[windows]).mul_(r).exp_()
    pull, spread = gradient / total, zeros(x, (x.shape[2], x.shape[3]))
    for _, windows, place in grid.cells(x):
        spread[place].addcmul_((x[place] - greatest[windows]).mul_(r).exp_(), pull[windows])
    return spread
