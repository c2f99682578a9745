"""Stochastic pooling without unfolding: one uniform number per output cell, and running sums over shifts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from darknet_py.layers.keyed_modules import Keyed
from darknet_py.layers.pools.window_modules import Grid


@dataclass(frozen=True)
class Weighing:
    """What a cell weighs, and the value outside the map that weighs nothing."""

    weight: Callable[[Tensor, Tensor | None], Tensor]
    outside: float
    level: Callable[[Grid, Tensor], Tensor] | None = None  # what the weight needs to know of its window


def _lowest(grid: Grid, x: Tensor) -> Tensor:
    return -grid.maximum(-x)


WEIGHINGS = {
    "relu": Weighing(lambda cell, _: cell.clamp(min=0), 0.0),
    "abs": Weighing(lambda cell, _: cell.abs(), 0.0),
    "shift": Weighing(lambda cell, lowest: (cell - lowest).clamp(min=0), -torch.inf, _lowest),
    "softmax": Weighing(lambda cell, highest: (cell - highest).exp(), -torch.inf, Grid.maximum),
}


class StochasticPool(Keyed):
    """Draws in training, takes the expected value in evaluation."""

    def __init__(self, grid: Grid, negatives: str) -> None:
        super().__init__()
        self.grid, self.weighing = grid, WEIGHINGS[negatives]
        self.expected = self._ratio_of_means if negatives == "relu" else self._weighted_mean

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H', W')."""
        exact = x if x.dtype == torch.float64 else x.float()  # squares and sums of half numbers overflow
        if not self.training:
            return self.expected(exact).to(x.dtype)
        uniform = self.uniform((*x.shape[:2], *self.grid.outputs(x)), like=x)
        return _Draw.apply(exact, uniform, self.grid, self.weighing).to(x.dtype)

    def _ratio_of_means(self, x: Tensor) -> Tensor:
        """sum(a²) / sum(a) of the positive cells as two average pools, so that it exports."""
        positive = x.clamp(min=0)
        total = self.grid.partial_mean(positive)
        nothing = total <= 0
        ratio = self.grid.partial_mean(positive * positive) / torch.where(
            nothing, torch.ones_like(total), total
        )
        return torch.where(nothing, self.grid.mean(x), ratio)

    def _weighted_mean(self, x: Tensor) -> Tensor:
        """sum(w a) / sum(w) by running sums over the shifts."""
        level = self.weighing.level and self.weighing.level(self.grid, x)
        weighted = total = None
        for cell, there in zip(
            self.grid.shifts(self.grid.pad(x, self.weighing.outside)), self._inside(x), strict=True
        ):
            weight = self.weighing.weight(cell, level)
            part = weight * torch.where(there, cell, torch.zeros_like(cell))
            weighted = part if weighted is None else weighted + part
            total = weight if total is None else total + weight
        nothing = total <= 0
        return torch.where(
            nothing, self.grid.mean(x), weighted / torch.where(nothing, torch.ones_like(total), total)
        )

    def _inside(self, x: Tensor) -> Iterator[Tensor]:
        return self.grid.shifts(self.grid.pad(torch.ones_like(x[:1, :1]), 0.0) > 0)


class _Draw(torch.autograd.Function):
    """The drawn cell of every window; its gradient goes to that cell. Saves one small integer per window."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, uniform: Tensor, grid: Grid, weighing: Weighing) -> Tensor:
        padded = grid.pad(x, weighing.outside)
        weights = _weights(x, padded, grid, weighing)
        total = sum(weights(), start=torch.zeros((), dtype=x.dtype, device=x.device))
        # Below the total, so that the last running sum is above it; the product alone rounds up to a total
        # that has few bits left (of denormal numbers), and a cell without a chance would be drawn.
        threshold = (uniform.to(x.dtype) * total).minimum(total.nextafter(torch.zeros_like(total)))
        running = torch.zeros_like(total)
        high, wide = grid.kernel(padded)
        number = torch.uint8 if high * wide < 256 else torch.int32
        index = torch.zeros(total.shape, dtype=number, device=x.device)
        drawn = 0 * total  # NaN where a cell is NaN; else the first shift overwrites it
        for cell, weight in zip(grid.shifts(padded), weights(), strict=True):
            drawn = torch.where(running <= threshold, cell, drawn)
            running += weight
            index += running <= threshold
        ctx.save_for_backward(index)
        ctx.grid, ctx.padded, ctx.shape = grid, padded.shape, x.shape
        return drawn

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        (gradient,) = gradients
        (index,) = ctx.saved_tensors
        spread = gradient.new_zeros(ctx.padded)
        for number, view in enumerate(ctx.grid.shifts(spread)):
            view += gradient * (index == number)
        return ctx.grid.unpad(spread, ctx.shape), None, None, None


def _weights(x: Tensor, padded: Tensor, grid: Grid, weighing: Weighing) -> Callable[[], Iterator[Tensor]]:
    """The weight of each shift, in order, as often as asked; where nothing weighs, existing cells do."""
    level = weighing.level and weighing.level(grid, x)

    def plain() -> Iterator[Tensor]:
        return (weighing.weight(cell, level) for cell in grid.shifts(padded))

    nothing = sum(plain(), start=torch.zeros((), dtype=x.dtype, device=x.device)) <= 0
    if not nothing.any():
        return plain
    inside = grid.pad(torch.ones_like(x[:1, :1]), 0.0)

    def with_fallback() -> Iterator[Tensor]:
        return (torch.where(nothing, there, w) for there, w in zip(grid.shifts(inside), plain(), strict=True))

    return with_fallback
