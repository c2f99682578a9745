"""Stochastic pooling without unfolding: one uniform number per output cell, and running sums of weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from darknet_py.ops.keyed import Keyed
from darknet_py.ops.pools.parts import empty, format_of, parts, sides_of, taken, zeros
from darknet_py.ops.pools.window import Grid
from darknet_py.ops.pools.window_sums import Levels, SumRule, WindowSums, window_maximum


@dataclass(frozen=True)
class Weighing:
    """The weight of a cell, before it is clamped at 0; `levels` are the maps that it needs of each window."""

    weight: Callable[..., Tensor]
    levels: Callable[[Grid, Tensor], Levels] = lambda grid, x: ()


WEIGHINGS = {
    "relu": Weighing(lambda cell: cell),
    "abs": Weighing(torch.abs),
    "shift": Weighing(torch.sub, lambda grid, x: (-grid.maximum(-x),)),
    "softmax": Weighing(lambda cell, maximum: (cell - maximum).exp(), window_maximum),
}


class StochasticPool(Keyed):
    """Samples a cell of each window in training, takes the expected value in evaluation."""

    def __init__(self, grid: Grid, negatives: str) -> None:
        super().__init__()
        self.grid, self.weighing = grid, WEIGHINGS[negatives]
        self.expected = self._by_means if negatives == "relu" else WindowSums(grid, self._sums())

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H', W')."""
        exact = x if x.dtype == torch.float64 else x.float()  # squares and sums overflow in float16
        if not self.training:
            expected: Tensor = self.expected(exact)
            return expected.to(x.dtype)
        uniform = self.uniform((*x.shape[:2], *self.grid.outputs(x)), like=x)
        sampled: Tensor = _SampleCells.apply(exact, uniform, self.grid, self.weighing)
        return sampled.to(x.dtype)

    def _by_means(self, x: Tensor) -> Tensor:
        """sum(a²) / sum(a) of the positive cells, as two average pools, which can be exported."""

        def ratio(part: Tensor) -> Tensor:
            positive = part.clamp(min=0)
            total, weighted = self.grid.mean(positive), self.grid.mean(positive.square())
            return _ratio_or_mean(total, weighted, self.grid.mean(part))

        return self.grid.in_parts(ratio, x, self.grid.outputs(x))

    def _sums(self) -> SumRule:
        """sum(w a) / sum(w); the last level is the mean of each window."""
        weighing = self.weighing
        return SumRule(
            weight=lambda cell, *levels: weighing.weight(cell, *levels[:-1]),
            result=lambda total, weighted, _, *levels: _ratio_or_mean(total, weighted, levels[-1]),
            levels=lambda grid, x: (*weighing.levels(grid, x), grid.mean(x)),
        )


def _ratio_or_mean(total: Tensor, weighted: Tensor, mean: Tensor) -> Tensor:
    """weighted / total, or the mean where all weights are 0."""
    zero = total <= 0
    return torch.where(zero, mean, weighted / total.masked_fill(zero, 1.0))


class _SampleCells(torch.autograd.Function):
    """Samples a cell of every window, which gets the gradient. Saves one small integer per window."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, uniform: Tensor, grid: Grid, weighing: Weighing) -> Tensor:
        cells = grid.cells(x)
        number = torch.int16 if cells[-1].number < 2**15 else torch.int32
        sampled, chosen = empty(x, grid.outputs(x)), empty(x, grid.outputs(x), number)
        for part in parts(x, grid.outputs(x)):
            sampled[part], chosen[part] = _sample_part(taken(x, part), uniform[part], grid, weighing)
        ctx.save_for_backward(chosen)
        ctx.cells, ctx.shape, ctx.format = cells, x.shape, format_of(x)
        return sampled

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        (chosen,) = ctx.saved_tensors
        spread = gradient.new_empty(0).resize_(ctx.shape, memory_format=ctx.format).zero_()
        for part in parts(spread, sides_of(gradient)):
            pull, number = taken(gradient, part), chosen[part].to(gradient.dtype)
            here = spread[part]
            for cell in ctx.cells:
                hit = torch.eq(number[cell.windows], cell.number, out=torch.empty_like(number[cell.windows]))
                here[cell.place] += hit.mul_(pull[cell.windows])
        return spread, None, None, None


def _sample_part(x: Tensor, uniform: Tensor, grid: Grid, weighing: Weighing) -> tuple[Tensor, Tensor]:
    """The value and the number of the first cell whose running sum exceeds its share of the total.

    Booleans are floats here: comparisons that write floats are several times as fast, without branches.
    """
    levels, cells = weighing.levels(grid, x), grid.cells(x)
    total = zeros(x, grid.outputs(x))
    for _, windows, place in cells:
        total[windows] += weighing.weight(x[place], *(level[windows] for level in levels)).clamp(min=0)
    least = torch.le(total, 0, out=torch.empty_like(total))
    total.addcmul_(least, grid.counts(x))  # where all weights are 0, each cell weighs 1
    # Below the total, so that the last running sum exceeds it. The product alone may round up to a denormal
    # total, and a cell of probability 0 would be sampled.
    share = torch.empty_like(total).copy_(uniform).mul_(total)
    share = torch.minimum(share, total.nextafter(torch.zeros_like(total)))
    running, sampled, chosen = torch.zeros_like(total), share * 0, torch.zeros_like(total)  # NaN of a NaN
    still = torch.ge(share, 0, out=torch.empty_like(total))
    for number, windows, place in cells:
        value = x[place]
        weight = weighing.weight(value, *(level[windows] for level in levels))
        running[windows] += torch.maximum(weight, least[windows])
        later = torch.le(running[windows], share[windows], out=total[windows])
        here = still[windows].sub_(later)
        sampled[windows].addcmul_(here, value)
        chosen[windows].add_(here, alpha=number)
        here.copy_(later)
    return sampled, chosen
