"""Medians of windows: by minima and maxima of shifted maps for small windows, by selection for large ones.

A window at the border is a smaller window: windows are processed in blocks of equal size, without padding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from darknet_py.ops.pools.parts import (
    LARGEST_PART,
    empty,
    format_of,
    parts,
    put_at,
    recording,
    sides_of,
    taken,
)
from darknet_py.ops.pools.places import Block
from darknet_py.ops.pools.window import Grid

MOST_COMPARED = 49  # the most cells of a window for which comparing shifted maps is faster than selecting
UNFOLDED = 2**20  # cells of large windows that are unfolded at once
# Output cells at once in channels_last with windows of 2 or 3: complete images need no copies, and small
# windows few temporary maps.
COMPLETE_IMAGES, SMALL = 2**20, 3

Middles = list[Tensor]  # the lower and the upper one; for an odd number of cells the only one
# Rows of windows, their middles, and a function from a middle to the first cell of the window that equals it.
Found = tuple[slice, Middles, Callable[[Tensor], Tensor]]


class Median(nn.Module):
    """The median of each window of a grid; of two middles their mean, or the lower one."""

    def __init__(self, grid: Grid, *, lower: bool) -> None:
        super().__init__()
        self.grid, self.lower = grid, lower

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H', W')."""
        if recording():
            return _by_sorting(x, self.grid, lower=self.lower)
        if torch.is_grad_enabled() and x.requires_grad:
            median: Tensor = _Median.apply(x, self.grid, self.lower)
            return median
        return _medians(x, self.grid, lower=self.lower)

    def extra_repr(self) -> str:
        """The windows, and which middle is taken."""
        return f"{self.grid}, lower={self.lower}"


def _by_sorting(x: Tensor, grid: Grid, *, lower: bool) -> Tensor:
    """The medians by few operations, which every exporter of torch knows; cells outside are sorted last."""
    padded = grid.pad(x, torch.inf)
    cells = grid.unfolded(padded).flatten(-2)
    ascending = cells.topk(cells.shape[-1], largest=False).values
    count = grid.counts(x).long()[..., None].expand(*cells.shape[:-1], 1)
    median = ascending.gather(-1, (count - 1) // 2).squeeze(-1)
    if not lower:
        median = (median + ascending.gather(-1, count // 2).squeeze(-1)) / 2
    return median.masked_fill(cells.isnan().any(dim=-1), torch.nan)


class _Median(torch.autograd.Function):
    """Saves the places of the middles; of equal cells the first, as with a maximum."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, grid: Grid, lower: bool) -> Tensor:
        rows, columns = grid.outputs(x)
        even = any(block.size[0] * block.size[1] % 2 == 0 for block in grid.blocks(x))
        ctx.middles = 2 if even and not lower else 1
        number = torch.int16 if x.shape[2] * x.shape[3] <= 2**15 else torch.int32
        places = empty(x, (rows * ctx.middles, columns), number)  # those of upper middles below the others
        ctx.save_for_backward(places)
        ctx.sides, ctx.format, ctx.largest = x.shape[2:], format_of(x), _largest_part(x, grid)
        return _medians(x, grid, lower=lower, places=torch.split(places, rows, dim=2))

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (places,) = ctx.saved_tensors
        size = (*gradient.shape[:2], *ctx.sides)
        spread = torch.empty(size, dtype=gradient.dtype, device=gradient.device, memory_format=ctx.format)
        for part in parts(spread, sides_of(gradient), largest=ctx.largest):
            share = (gradient[part] / ctx.middles).contiguous(memory_format=ctx.format)
            shares = torch.cat([share] * ctx.middles, dim=2) if ctx.middles > 1 else share
            put_at(places[part].long(), shares, out=spread[part])
        return spread, None, None


def _medians(x: Tensor, grid: Grid, *, lower: bool, places: Sequence[Tensor] = ()) -> Tensor:
    """The medians; writes the places of the middles, cell numbers of the map row by row, into `places`."""
    medians = empty(x, grid.outputs(x))
    for part in parts(x, grid.outputs(x), largest=_largest_part(x, grid)):
        piece, here = taken(x, part), medians[part]
        for block in grid.blocks(x):
            small = block.size[0] * block.size[1] <= MOST_COMPARED
            find = _compare if small else _select
            for rows, middles, first_equal in find(piece, block):
                *_, upper = middles = middles[:1] if lower else middles
                mean = upper if len(middles) == 1 else (middles[0] + upper) / 2
                here[block.windows][:, :, rows] = mean
                for number, saved in enumerate(places):
                    cell = first_equal(middles[min(number, len(middles) - 1)])
                    saved[part][block.windows][:, :, rows] = _places(cell, block, rows, x.shape[3])
    return medians


def _largest_part(x: Tensor, grid: Grid) -> int:
    complete = format_of(x) == torch.channels_last and grid.size <= SMALL
    return COMPLETE_IMAGES if complete else LARGEST_PART


def _places(numbers: Tensor, block: Block, rows: slice, width: int) -> Tensor:
    """Cell numbers of the map, from cell numbers of the windows; arbitrary for NaN."""
    (top, left), (high, wide), (down, across), (_, columns) = block[1:]
    numbers = numbers.int().clamp_(max=high * wide - 1)  # no cell equals NaN
    tops = top + down * torch.arange(rows.start, rows.start + numbers.shape[2], device=numbers.device)
    corner = tops.unsqueeze(1) * width + left + across * torch.arange(columns, device=numbers.device)
    row = (numbers * (2**16 // wide + 1)).bitwise_right_shift_(16)  # numbers // wide, as they are small
    return numbers.add_(row, alpha=width - wide).add_(corner.int())


def _compare(x: Tensor, block: Block) -> Iterator[Found]:
    """All windows at once, cell by cell."""
    cells = [x[place] for place in block.cells()]

    def first_equal(middle: Tensor) -> Tensor:
        number = torch.zeros_like(middle, dtype=torch.uint8)
        differs = torch.empty_like(middle, dtype=torch.bool)
        not_yet = torch.ones_like(differs)
        for cell in cells:
            not_yet &= torch.ne(cell, middle, out=differs)
            number += not_yet.view(torch.uint8)
        return number

    yield slice(0, None), _compared(cells), first_equal


def _compared(cells: list[Tensor]) -> Middles:
    """The middles by elimination: of half the cells plus two, neither minimum nor maximum is a middle."""
    kept, remaining = cells[: len(cells) // 2 + 2], cells[len(cells) // 2 + 2 :]
    while len(kept) > 2:
        kept = [*_without_extremes(kept), *remaining[:1]]
        remaining = remaining[1:]
    return kept if len(kept) == 1 else [torch.minimum(*kept), torch.maximum(*kept)]


def _without_extremes(cells: list[Tensor]) -> list[Tensor]:
    """All but the minimum and the maximum of three maps or more, elementwise; in any order."""
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


def _select(x: Tensor, block: Block) -> Iterator[Found]:
    """Some rows of windows at a time, unfolded."""
    for rows, cells in _unfolded(x, block):

        def first_equal(middle: Tensor, cells: Tensor = cells) -> Tensor:
            return (cells == middle.unsqueeze(-1)).byte().argmax(dim=-1)

        yield rows, _selected(cells), first_equal


def _unfolded(x: Tensor, block: Block) -> Iterator[tuple[slice, Tensor]]:
    """Some rows of windows at a time, (N, C, rows, columns, S)."""
    windows = x
    for axis, (start, size, step, count) in enumerate(zip(*block[1:], strict=True), start=2):
        span = windows.narrow(axis, start, (count - 1) * step + size)
        windows = span.unfold(axis, size, max(1, step))
    rows = max(1, UNFOLDED // windows[:, :, :1].numel())
    for row in range(0, windows.shape[2], rows):
        yield (
            slice(row, row + rows if row + rows < windows.shape[2] else None),
            windows[:, :, row : row + rows].flatten(-2),
        )


def _selected(cells: Tensor) -> Middles:
    """The middles of unfolded windows; NaN where a cell is NaN."""
    half = cells.topk(cells.shape[-1] // 2 + 1, largest=False, sorted=False).values
    middles = half.topk(2 - cells.shape[-1] % 2).values.flip(-1)
    return list(middles.masked_fill(cells.isnan().any(dim=-1, keepdim=True), torch.nan).unbind(-1))
