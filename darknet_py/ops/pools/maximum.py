"""Max pooling with stride 1, at a cost that grows little with the window.

Values equal those of torch's max pool to the bit (0 and -0 count as equal). Of equal cells the first, row by
row, gets the gradient, as in torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from darknet_py.ops.pools.parts import empty, format_of, parts, recording, sides_of, taken

LARGEST_KERNEL_PART = 2**19  # output cells: torch's kernel does more work for each than `torch.maximum`
DIRECT = 5  # the largest size for which torch's kernel on squares is faster than on rows, then on columns
ROWS, COLUMNS = 2, 3  # axes of a map

_scatter = torch.ops.aten.max_pool2d_with_indices_backward


def max_pool_stride1(x: Tensor, *, size: int, maxima: Tensor | None = None, known: int = 1) -> Tensor:
    """The maximum around each cell, of windows of `size` with stride 1 and the default padding.

    Where a gradient is required it is computed from the map alone.

    Args:
        maxima: the maxima of smaller windows on the map, to start from.
        known: the size of those smaller windows.
    """
    if recording():
        before, after = (size - 1) // 2, size // 2
        return F.max_pool2d(F.pad(x, (before, after) * 2, value=-torch.inf), size, 1)
    if torch.is_grad_enabled() and x.requires_grad:
        if size % 2 and size <= DIRECT and format_of(x) == torch.channels_last:
            return F.max_pool2d(x, size, 1, size // 2)
        pooled: Tensor = _MaxPoolStride1.apply(x, size)
        return pooled
    return _grown(x if maxima is None else maxima, known, size)


def growth(known: int, size: int) -> Iterator[tuple[int, int]]:
    """Steps (before, after) that enlarge windows of `known` to windows of `size`.

    The maximum of a window, of the window one step before and of the window one step after is the maximum of
    a larger window. A step is at most one cell longer than the window extends to that side, so that no cell
    is skipped, not even at the border: steps double.

    >>> list(growth(1, 19))
    [(1, 1), (2, 2), (4, 4), (2, 2)]
    """
    before, after = (known - 1) // 2, known // 2
    while (before, after) != ((size - 1) // 2, size // 2):
        step = min((size - 1) // 2 - before, before + 1), min(size // 2 - after, after + 1)
        before, after = before + step[0], after + step[1]
        yield step


def _grown(x: Tensor, known: int, size: int) -> Tensor:
    """The maxima of windows of `size`, from those of windows of `known`."""
    moves = [(axis, *step) for axis in (COLUMNS, ROWS) for step in growth(known, size)]
    if not moves:
        return x.clone()
    grown = empty(x, sides_of(x))
    spare: dict[tuple[torch.Size, int], Tensor] = {}
    for part in parts(x, sides_of(x)):
        now = taken(x, part)
        for number, move in enumerate(moves, start=1):
            key = (now.shape, number % 2)
            after = grown[part] if number == len(moves) else spare.get(key)
            if after is None:
                after = spare[key] = empty(now, sides_of(now))
            _widen(now, *move, out=after)
            now = after
    return grown


def _widen(x: Tensor, axis: int, before: int, after: int, *, out: Tensor) -> None:
    """The maximum of each cell and the cells `before` and `after` it along an axis, inside the map."""
    cells = x.shape[axis]
    before, after = min(before, cells), min(after, cells)
    both, ahead = cells - after, cells - before
    torch.maximum(x.narrow(axis, 0, both), x.narrow(axis, after, both), out=out.narrow(axis, 0, both))
    out.narrow(axis, both, after).copy_(x.narrow(axis, both, after))
    late = out.narrow(axis, before, ahead)
    torch.maximum(late, x.narrow(axis, 0, ahead), out=late)


class _MaxPoolStride1(torch.autograd.Function):
    """Rows, then columns, by torch's kernel, which is fast in channels_last.

    The kernel returns the places of maxima as 8 bytes a cell; 2 are saved, or 4 for maps of more than 2**15
    cells.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, size: int) -> Tensor:
        lines = [_Line.across(size), _Line.down(size)]
        number = torch.int16 if x.shape[2] * x.shape[3] <= 2**15 else torch.int32
        pooled_map = empty(x, sides_of(x))
        saved = [line.empty_places(x, number) for line in lines]
        for part in parts(x, sides_of(x), largest=LARGEST_KERNEL_PART):
            now = x[part].contiguous(memory_format=torch.channels_last)
            for line, places in zip(lines, saved, strict=True):
                pooled, places[part] = F.max_pool2d(now, line.kernel, 1, line.padding, return_indices=True)
                now = pooled[..., line.extra[0] :, line.extra[1] :]
            pooled_map[part] = now
        ctx.save_for_backward(*saved)
        ctx.lines, ctx.format = lines, format_of(x)
        return pooled_map

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        spread = torch.empty_like(gradient, memory_format=ctx.format)
        for part in parts(gradient, sides_of(gradient), largest=LARGEST_KERNEL_PART):
            now = gradient[part].contiguous(memory_format=torch.channels_last)
            for line, places in zip(reversed(ctx.lines), reversed(ctx.saved_tensors), strict=True):
                padded = F.pad(now, (line.extra[1], 0, line.extra[0], 0)) if any(line.extra) else now
                now = _scatter(padded, now, line.kernel, 1, line.padding, 1, False, places[part].long())
            spread[part] = now
        return spread, None


class _Line(NamedTuple):
    """A window along one axis for torch's kernel; for an even size its first output is dropped."""

    kernel: tuple[int, int]
    padding: tuple[int, int]
    extra: tuple[int, int]

    @classmethod
    def across(cls, size: int) -> _Line:
        return cls((1, size), (0, size // 2), (0, 1 - size % 2))

    @classmethod
    def down(cls, size: int) -> _Line:
        return cls((size, 1), (size // 2, 0), (1 - size % 2, 0))

    def empty_places(self, x: Tensor, dtype: torch.dtype) -> Tensor:
        """An uninitialised map for the places that the kernel returns."""
        size = (*x.shape[:2], x.shape[2] + self.extra[0], x.shape[3] + self.extra[1])
        return torch.empty(size, dtype=dtype, device=x.device, memory_format=torch.channels_last)
