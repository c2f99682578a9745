"""Medians of windows: by minima and maxima of shifted maps where windows are small, by selection where large.

A window at the border is a smaller window: windows come in blocks of equal ones, so that no cell is made up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from darknet_py.ops.pools.parts import LARGEST_PART, empty, format_of, parts, put_at, taken
from darknet_py.ops.pools.window import Block, Grid

MOST_COMPARED = 49  # cells of a window up to which comparing shifted maps is faster than selecting
LAID_OUT = 2**20  # cells of large windows that are laid out at once
# Output cells at once where channels lie side by side and windows are 2 or 3: whole images need no copies,
# and few cells few maps.
WHOLE_IMAGES, FEW = 2**20, 3

Middles = list[Tensor]  # the lower and the higher one, of an odd number of cells the only one
# Which rows of windows, their middles, and what says which cell such a middle is, the first of equal ones.
Found = tuple[slice, Middles, Callable[[Tensor], Tensor]]


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
    """Kept is where the middles lie; of equal cells it is the first, as with a maximum."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, grid: Grid, lower: bool) -> Tensor:
        rows, columns = grid.outputs(x)
        even = any(block.size[0] * block.size[1] % 2 == 0 for block in grid.blocks(x))
        ctx.middles = 2 if even and not lower else 1
        number = torch.int16 if x.shape[2] * x.shape[3] <= 2**15 else torch.int32
        places = empty(x, (rows * ctx.middles, columns), number)  # of the upper middles below the others
        ctx.save_for_backward(places)
        ctx.sides, ctx.format, ctx.largest = x.shape[2:], format_of(x), _largest_part(x, grid)
        return _medians(x, grid, lower=lower, places=places.split(rows, dim=2))

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (places,) = ctx.saved_tensors
        size = (*gradient.shape[:2], *ctx.sides)
        spread = torch.empty(size, dtype=gradient.dtype, device=gradient.device, memory_format=ctx.format)
        for part in parts(spread, gradient.shape[2:], largest=ctx.largest):
            share = (gradient[part] / ctx.middles).contiguous(memory_format=ctx.format)
            shares = torch.cat([share] * ctx.middles, dim=2) if ctx.middles > 1 else share
            put_at(places[part].long(), shares, out=spread[part])
        return spread, None, None


def _medians(x: Tensor, grid: Grid, *, lower: bool, places: Sequence[Tensor] = ()) -> Tensor:
    """The medians; and into `places` where the middles lie, as numbers of cells of the map, row by row."""
    medians = empty(x, grid.outputs(x))
    for part in parts(x, grid.outputs(x), largest=_largest_part(x, grid)):
        piece, here = taken(x, part), medians[part]
        for block in grid.blocks(x):
            find = _compare if _small(block) else _select
            for rows, middles, first_equal in find(piece, block):
                middles = _chosen(middles, lower)
                here[block.windows][:, :, rows] = _mean(middles)
                for number, kept in enumerate(places):
                    passed = first_equal(middles[min(number, len(middles) - 1)])
                    kept[part][block.windows][:, :, rows] = _places(passed, block, rows, x.shape[3])
    return medians


def _largest_part(x: Tensor, grid: Grid) -> int:
    whole = format_of(x) == torch.channels_last and grid.size <= FEW
    return WHOLE_IMAGES if whole else LARGEST_PART


def _places(passed: Tensor, block: Block, rows: slice, width: int) -> Tensor:
    """Numbers in the map of cells that are known by their numbers in their windows; NaN's is any."""
    (top, left), (high, wide), (down, across), (_, columns) = block[1:]
    passed = passed.int().clamp_(max=high * wide - 1)  # no cell equals NaN
    corners = top + down * torch.arange(rows.start, rows.start + passed.shape[2], device=passed.device)
    corner = corners.unsqueeze(1) * width + left + across * torch.arange(columns, device=passed.device)
    row = (passed * (2**16 // wide + 1)).bitwise_right_shift_(16)  # passed // wide, of numbers this small
    return passed.add_(row, alpha=width - wide).add_(corner.int())


def _small(block: Block) -> bool:
    return block.size[0] * block.size[1] <= MOST_COMPARED


def _chosen(middles: Middles, lower: bool) -> Middles:
    return middles[:1] if lower else middles


def _mean(middles: Middles) -> Tensor:
    return middles[0] if len(middles) == 1 else (middles[0] + middles[1]) / 2


def _compare(x: Tensor, block: Block) -> Iterator[Found]:
    """All windows at once, cell by cell."""
    cells = [x[place] for place in block.cells()]

    def first_equal(middle: Tensor) -> Tensor:
        passed, other = (
            torch.zeros_like(middle, dtype=torch.uint8),
            torch.empty_like(middle, dtype=torch.bool),
        )
        still = torch.ones_like(other)
        for cell in cells:
            still &= torch.ne(cell, middle, out=other)
            passed += still.view(torch.uint8)
        return passed

    yield slice(0, None), _compared(cells), first_equal


def _compared(cells: list[Tensor]) -> Middles:
    """The middles by forgetting: of half the cells and two the least and the greatest cannot be one."""
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


def _select(x: Tensor, block: Block) -> Iterator[Found]:
    """Some rows of windows at a time, laid out."""
    for rows, cells in _laid_out(x, block):

        def first_equal(middle: Tensor, cells: Tensor = cells) -> Tensor:
            return (cells == middle.unsqueeze(-1)).byte().argmax(dim=-1)

        yield rows, _selected(cells), first_equal


def _laid_out(x: Tensor, block: Block) -> Iterator[tuple[slice, Tensor]]:
    """Some rows of windows at a time, (N, C, rows, columns, S)."""
    windows = x
    for axis, (start, size, step, count) in enumerate(zip(*block[1:], strict=True), start=2):
        span = windows.narrow(axis, start, (count - 1) * step + size)
        windows = span.unfold(axis, size, max(1, step))
    rows = max(1, LAID_OUT // windows[:, :, :1].numel())
    for row in range(0, windows.shape[2], rows):
        yield (
            slice(row, row + rows if row + rows < windows.shape[2] else None),
            windows[:, :, row : row + rows].flatten(-2),
        )


def _selected(cells: Tensor) -> Middles:
    """The middles of windows laid out; NaN of a NaN."""
    half = cells.topk(cells.shape[-1] // 2 + 1, largest=False, sorted=False).values
    middles = half.topk(2 - cells.shape[-1] % 2).values.flip(-1)
    return list(middles.masked_fill(cells.isnan().any(dim=-1, keepdim=True), torch.nan).unbind(-1))
