"""Pools that are functions of weighted sums over the cells of a window, without unfolding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from darknet_py.ops.pools.parts import in_parts_with_gradient, zeros
from darknet_py.ops.pools.window import Grid

Levels = tuple[Tensor, ...]


@dataclass(frozen=True)
class SumRule:
    """A pool defined by two sums over the cells of a window: of their weights, and of weight times cell.

    Args:
        weight: the weight of each cell, from (cells, *levels).
        result: the pooled map, from (sum of weights, sum of weight times cell, number of cells, *levels).
        levels: the maps (N, C, H', W') that `weight` and `result` need of each window, from (grid, map).
    """

    weight: Callable[..., Tensor]
    result: Callable[..., Tensor]
    levels: Callable[[Grid, Tensor], Levels]


def window_maximum(grid: Grid, x: Tensor) -> Levels:
    """The maximum, subtracted from exponents so that none overflows; the result does not depend on it."""
    return (grid.maximum(x.detach()),)


def softmax_mean(temperature: float) -> SumRule:
    """sum(x exp(x / t)) / sum(exp(x / t))."""
    return SumRule(
        weight=lambda cell, maximum: ((cell - maximum) / temperature).exp(),
        result=lambda total, weighted, count, maximum: weighted / total,
        levels=window_maximum,
    )


class WindowSums(nn.Module):
    """A `SumRule` on the windows of a grid. The backward pass sums again, so that only the map is saved."""

    def __init__(self, grid: Grid, rule: SumRule) -> None:
        super().__init__()
        self.grid, self.rule = grid, rule

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H', W'), computed in float32 at least."""
        pool, pull = (partial(each, grid=self.grid, rule=self.rule) for each in (_of_part, _pulled))
        return in_parts_with_gradient(pool, pull, x, self.grid.outputs(x))


def _of_part(x: Tensor, grid: Grid, rule: SumRule) -> Tensor:
    levels = rule.levels(grid, x)
    return rule.result(*_both(x, grid, rule, levels), grid.counts(x), *levels)


def _both(x: Tensor, grid: Grid, rule: SumRule, levels: Levels) -> tuple[Tensor, Tensor]:
    """The sum of weights, and the sum of weight times cell."""
    total, weighted = zeros(x, grid.outputs(x)), zeros(x, grid.outputs(x))
    for _, windows, place in grid.cells(x):
        cell = x[place]
        weight = rule.weight(cell, *(level[windows] for level in levels))
        total[windows] += weight
        weighted[windows].addcmul_(weight, cell)
    return total, weighted


def _pulled(x: Tensor, gradient: Tensor, grid: Grid, rule: SumRule) -> Tensor:
    """The gradient of the map: through the result to totals and levels, from the totals to each cell."""
    with torch.enable_grad():
        source = x.detach().requires_grad_()
        levels = rule.levels(grid, source)
        known = tuple(level.detach().requires_grad_(level.requires_grad) for level in levels)
        constants = tuple(level.detach() for level in known)
        totals = tuple(total.requires_grad_() for total in _both(x, grid, rule, constants))
        result = rule.result(*totals, grid.counts(x), *known)
    inner = [*totals, *(k for k in known if k.requires_grad)]
    pulls = torch.autograd.grad(result, inner, gradient, materialize_grads=True)
    spread, pulls, level_pulls = torch.zeros_like(x), pulls[:2], pulls[2:]
    for _, windows, place in grid.cells(x):
        with torch.enable_grad():
            cell = x[place].detach().requires_grad_()
            own = [k[windows].detach().requires_grad_(k.requires_grad) for k in known]
            weight = rule.weight(cell, *own)
            terms = weight, weight * cell
        wanted = [cell, *(o for o in own if o.requires_grad)]
        by_cell, *by_levels = torch.autograd.grad(
            terms, wanted, [pull[windows] for pull in pulls], materialize_grads=True
        )
        spread[place] += by_cell
        for pull, more in zip(level_pulls, by_levels, strict=True):
            pull[windows] += more
    through = [level for level in levels if level.requires_grad]
    return spread + torch.autograd.grad(through, source, level_pulls)[0] if through else spread
