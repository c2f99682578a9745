"""Medians of windows: by minima and maxima of shifted maps where windows are small, by selection where large.

A window at the border is a smaller window: windows come in blocks of equal ones, so that no cell is made up.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from darknet_py.layers.pools.parts_modules import empty, format_of, parts, taken
from darknet_py.layers.pools.window_modules import Block, Grid

MOST_COMPARED = 49  # cells of a window up to which comparing shifted maps is faster than selecting
LAID_OUT = 2**20  # cells of large windows that are laid out at once

Middles = list[Tensor]  # the lower and the higher one, of an odd number of cells the only one


class Median(nn.Module):
    """The median of each window of a grid; of two middles their mean, or the lower one."""

    def __init__(self, grid: Grid, *, lower: bool) -> None:
        super().__init__()
        self.grid, self.lower = grid, lower

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H', W')."""
        if torch.is_grad_enabled() and x.requires_grad:
            return _Median.apply(x, self.grid, self.lower)  # type: ignore[no-any-return]
        return _medians(x, self.grid, lower=self.lower)

    def extra_repr(self) -> str:
        """The windows, and which middle."""
        return f"{self.grid}, lower={self.lower}"


class _Median(torch.autograd.Function):
    """The middles are found again in the backward pass, so that only the map is kept."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, grid: Grid, lower: bool) -> Tensor:
        ctx.save_for_backward(x)
        ctx.grid, ctx.lower = grid, lower
        return _medians(x, grid, lower=lower)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (x,) = ctx.saved_tensors
        spread = torch.empty_like(x, memory_format=format_of(x)).zero_()
        for part in parts(x, gradient.shape[2:]):
            piece, pull = taken(x, part), taken(gradient, part)
            for block in ctx.grid.blocks(x):
                mine = pull[block.windows].sum_to_size(*piece.shape[:2], *block.count)
                put_back = _give_compared if _small(block) else _give_selected
                put_back(spread[part], mine, piece, block, lower=ctx.lower)
        return spread, None, None


def _medians(x: Tensor, grid: Grid, *, lower: bool) -> Tensor:
    medians = empty(x, grid.outputs(x))
    for part in parts(x, grid.outputs(x)):
        piece, here = taken(x, part), medians[part]
        for block in grid.blocks(x):
            if _small(block):
                here[block.windows] = _mean(_chosen(_compared(piece, block), lower))
                continue
            for rows, cells in _laid_out(piece, block):
                here[block.windows][:, :, rows] = _mean(_chosen(_selected(cells), lower))
    return medians


def _small(block: Block) -> bool:
    return block.size[0] * block.size[1] <= MOST_COMPARED


def _chosen(middles: Middles, lower: bool) -> Middles:
    return middles[:1] if lower else middles


def _mean(middles: Middles) -> Tensor:
    return middles[0] if len(middles) == 1 else (middles[0] + middles[1]) / 2


def _compared(x: Tensor, block: Block) -> Middles:
    """The middles by forgetting: of half the cells and two the least and the greatest cannot be one."""
    cells = [x[place] for place in block.cells()]
    kept, coming = cells[: len(cells) // 2 + 2], cells[len(cells) // 2 + 2 :]
    while len(kept) > 2:
        kept = [*_inner(kept), *coming[:1]]
        coming = coming[1:]
    return kept if len(kept) == 1 else [torch.minimum(*kept), torch.maximum(*kept)]


def _inner(cells: list[Tensor]) -> list[Tensor]:
    """All but the least and the greatest, cell by cell of three maps or more; in any order."""
    left, right = cells[0 : len(cells) - 1 : 2], cells[1::2]
    low, *lows = [torch.minimum(a, b) for a, b in zip(left, right, strict=True)]
    high, *highs = [torch.maximum(a, b) for a, b in zip(left, right, strict=True)]
    if len(cells) % 2:
        lows.append(cells[-1])
    inner = []
    for cell in lows:
        inner.append(torch.maximum(low, cell))
        low = torch.minimum(low, cell)
    if len(cells) % 2:
        highs.append(inner.pop())
    for cell in highs:
        inner.append(torch.minimum(high, cell))
        high = torch.maximum(high, cell)
    return inner


def _give_compared(spread: Tensor, gradient: Tensor, x: Tensor, block: Block, *, lower: bool) -> None:
    """Adds the gradient at the cells that are the middles; of equal cells the first counts as the lowest."""
    middles = _chosen(_compared(x, block), lower)
    rank = (block.size[0] * block.size[1] - 1) // 2
    for number, middle in enumerate(middles, start=rank):
        less, equal = torch.zeros_like(middle), torch.zeros_like(middle)
        for place in block.cells():
            less += torch.lt(x[place], middle, out=torch.empty_like(middle))
        ahead, still = number - less, torch.ones_like(middle)
        for place in block.cells():
            equal += torch.eq(x[place], middle, out=torch.empty_like(middle))
            later = torch.le(equal, ahead, out=torch.empty_like(middle))
            spread[place] += still.sub_(later).mul_(gradient).div_(len(middles))
            still = later


def _laid_out(x: Tensor, block: Block) -> Iterator[tuple[slice, Tensor]]:
    """Some rows of windows at a time, (N, C, rows, columns, S)."""
    windows = x
    for axis, (start, size, step, count) in enumerate(zip(*block[1:], strict=True), start=2):
        span = windows.narrow(axis, start, (count - 1) * step + size)
        windows = span.unfold(axis, size, max(1, step))
    rows = max(1, LAID_OUT // windows[:, :, :1].numel())
    for row in range(0, windows.shape[2], rows):
        yield slice(row, row + rows), windows[:, :, row : row + rows].flatten(-2)


def _selected(cells: Tensor) -> Middles:
    """The middles of windows laid out; NaN of a NaN."""
    half = cells.topk(cells.shape[-1] // 2 + 1, largest=False, sorted=False).values
    middles = half.topk(2 - cells.shape[-1] % 2).values.flip(-1)
    return list(middles.masked_fill(cells.isnan().any(dim=-1, keepdim=True), torch.nan).unbind(-1))


def _give_selected(spread: Tensor, gradient: Tensor, x: Tensor, block: Block, *, lower: bool) -> None:
    """As `_give_compared`."""
    (top, left), (high, wide), (down, across), (_, columns) = block[1:]
    corner = left + across * torch.arange(columns, device=x.device)
    for rows, cells in _laid_out(x, block):
        first = top + down * torch.arange(rows.start, rows.start + cells.shape[2], device=x.device)
        middles = _chosen(_selected(cells), lower)
        share = gradient[:, :, rows].flatten(2) / len(middles)
        for rank, middle in enumerate(middles, start=(high * wide - 1) // 2):
            ahead = rank - (cells < middle.unsqueeze(-1)).sum(dim=-1, keepdim=True)
            passed = (cells == middle.unsqueeze(-1)).cumsum(dim=-1, dtype=torch.int32) <= ahead
            number = passed.sum(dim=-1).clamp(max=high * wide - 1)  # no cell equals NaN
            place = (first.unsqueeze(1) + number // wide) * x.shape[3] + corner + number % wide
            spread.flatten(2).scatter_add_(2, place.flatten(2), share)
