"""Stochastic pooling without unfolding: one uniform number per output cell, and running sums over shifts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from darknet_py.ops.keyed import Keyed
from darknet_py.ops.pools.parts import empty, format_of, in_parts, parts, taken, zeros
from darknet_py.ops.pools.window import Grid
from darknet_py.ops.pools.window_sums import Levels, SumRule, WindowSums, greatest_of_each


@dataclass(frozen=True)
class Weighing:
    """What a cell weighs, before it is raised to 0; `levels` are what that needs to know of its window."""

    weight: Callable[..., Tensor]
    levels: Callable[[Grid, Tensor], Levels] = lambda grid, x: ()


WEIGHINGS = {
    "relu": Weighing(lambda cell: cell),
    "abs": Weighing(torch.abs),
    "shift": Weighing(torch.sub, lambda grid, x: (-grid.maximum(-x),)),
    "softmax": Weighing(lambda cell, greatest: (cell - greatest).exp(), greatest_of_each),
}


class StochasticPool(Keyed):
    """Draws in training, takes the expected value in evaluation."""

    def __init__(self, grid: Grid, negatives: str) -> None:
        super().__init__()
        self.grid, self.weighing = grid, WEIGHINGS[negatives]
        self.expected = self._by_means if negatives == "relu" else WindowSums(grid, self._sums())

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H', W')."""
        exact = x if x.dtype == torch.float64 else x.float()  # squares and sums of half numbers overflow
        if not self.training:
            return self.expected(exact).to(x.dtype)
        uniform = self.uniform((*x.shape[:2], *self.grid.outputs(x)), like=x)
        return _Draw.apply(exact, uniform, self.grid, self.weighing).to(x.dtype)

    def _by_means(self, x: Tensor) -> Tensor:
        return in_parts(self._ratio_of_means, x, self.grid.outputs(x))

    def _ratio_of_means(self, x: Tensor) -> Tensor:
        """sum(a²) / sum(a) of the positive cells as two average pools, so that it exports."""
        positive = x.clamp(min=0)
        total, weighted = self.grid.mean(positive), self.grid.mean(positive.square())
        return _unless_nothing(total, weighted, self.grid.mean(x))

    def _sums(self) -> SumRule:
        """sum(w a) / sum(w); the windows' means are the last level."""
        weighing = self.weighing
        return SumRule(
            weight=lambda cell, *levels: weighing.weight(cell, *levels[:-1]),
            result=lambda total, weighted, _, *levels: _unless_nothing(total, weighted, levels[-1]),
            levels=lambda grid, x: (*weighing.levels(grid, x), grid.mean(x)),
        )


def _unless_nothing(total: Tensor, weighted: Tensor, mean: Tensor) -> Tensor:
    """weighted / total; the mean where nothing weighs anything."""
    nothing = total <= 0
    return torch.where(nothing, mean, weighted / total.masked_fill(nothing, 1.0))


class _Draw(torch.autograd.Function):
    """The drawn cell of every window; its gradient goes to that cell. Saves one small integer per window."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, uniform: Tensor, grid: Grid, weighing: Weighing) -> Tensor:
        cells = grid.cells(x)
        number = torch.int16 if cells[-1].number < 2**15 else torch.int32
        drawn, chosen = empty(x, grid.outputs(x)), empty(x, grid.outputs(x), number)
        for part in parts(x, grid.outputs(x)):
            drawn[part], chosen[part] = _drawn(taken(x, part), uniform[part], grid, weighing)
        ctx.save_for_backward(chosen)
        ctx.cells, ctx.shape, ctx.format = cells, x.shape, format_of(x)
        return drawn

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        (chosen,) = ctx.saved_tensors
        spread = gradient.new_empty(0).resize_(ctx.shape, memory_format=ctx.format).zero_()
        for part in parts(spread, gradient.shape[2:]):
            whole, number = taken(gradient, part), chosen[part].to(gradient.dtype)
            here = spread[part]
            for cell in ctx.cells:
                hit = torch.eq(number[cell.windows], cell.number, out=torch.empty_like(number[cell.windows]))
                here[cell.place] += hit.mul_(whole[cell.windows])
        return spread, None, None, None


def _drawn(x: Tensor, uniform: Tensor, grid: Grid, weighing: Weighing) -> tuple[Tensor, Tensor]:
    """The value and the number of the first cell whose running sum exceeds its share of the total.

    Ones and zeros stand for yes and no: comparisons that fill floats are several times as fast, and there is
    no branch to mispredict.
    """
    levels, cells = weighing.levels(grid, x), grid.cells(x)
    total = zeros(x, grid.outputs(x))
    for _, windows, place in cells:
        total[windows] += weighing.weight(x[place], *(level[windows] for level in levels)).clamp(min=0)
    least = torch.le(total, 0, out=torch.empty_like(total))
    total.addcmul_(least, grid.counts(x))  # where nothing weighs anything, each cell weighs 1
    # Below the total, so that the last running sum is above it; the product alone rounds up to a total that
    # has few bits left (of denormal numbers), and a cell without a chance would be drawn.
    share = torch.empty_like(total).copy_(uniform).mul_(total)
    share = torch.minimum(share, total.nextafter(torch.zeros_like(total)))
    running, drawn, chosen = torch.zeros_like(total), share * 0, torch.zeros_like(total)  # NaN of a NaN
    still = torch.ge(share, 0, out=torch.empty_like(total))
    for number, windows, place in cells:
        value = x[place]
        weight = weighing.weight(value, *(level[windows] for level in levels))
        running[windows] += torch.maximum(weight, least[windows])
        later = torch.le(running[windows], share[windows], out=total[windows])
        here = still[windows].sub_(later)
        drawn[windows].addcmul_(here, value)
        chosen[windows].add_(here, alpha=number)
        here.copy_(later)
    return drawn, chosen
