"""The greatest cell of windows around each cell of a map, at a cost that grows little with the window.

Values are those of torch's max pool to the bit (0 and -0 count as equal). Of equal cells the first one, row
by row, has the gradient, as in torch's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darknet_py.ops.pools.parts import empty, exporting, format_of, parts, taken

LARGEST_KERNEL_PART = (
    2**19
)  # output cells: torch's kernel has more to do for each than the maxima of two maps
DIRECT = 5  # the size up to which torch's kernel is faster at once than in rows, then in columns
ROWS, COLUMNS = 2, 3  # the axes of a map along which cells follow each other: down, and across

_scatter = torch.ops.aten.max_pool2d_with_indices_backward


class MaxPoolStride1(nn.Module):
    """The greatest cell around each cell, of windows of `size` with stride 1 and the default padding.

    Args:
        known: the size of windows whose maxima `forward` gets beside the map, to begin with; 1: none.
    """

    def __init__(self, size: int, *, known: int = 1) -> None:
        super().__init__()
        self.size, self.known = size, known

    def forward(self, x: Tensor, maxima: Tensor | None = None) -> Tensor:
        """(N, C, H, W), and the maxima of smaller windows on it, to the same shape."""
        return greatest_around(x, size=self.size, maxima=maxima, known=self.known)


def greatest_around(x: Tensor, *, size: int, maxima: Tensor | None = None, known: int = 1) -> Tensor:
    """As `MaxPoolStride1`. Where a gradient is wanted it is computed from the map alone."""
    if exporting():
        before, after = (size - 1) // 2, size // 2
        return F.max_pool2d(F.pad(x, (before, after) * 2, value=-torch.inf), size, 1)
    if torch.is_grad_enabled() and x.requires_grad:
        if size % 2 and size <= DIRECT and format_of(x) == torch.channels_last:
            return F.max_pool2d(x, size, 1, size // 2)
        return _Greatest.apply(x, size)  # type: ignore[no-any-return]
    return _grown(x if maxima is None else maxima, known, size)


def growth(known: int, size: int) -> Iterator[tuple[int, int]]:
    """Steps (before, after) by which windows of `known` become windows of `size`.

    The maximum of a window, of the one a step before it and of the one a step after it is that of a larger
    window. A step is at most one cell more than the window reaches to its side, so that no cell is left out,
    at the border neither: steps double.

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
    grown, spare = empty(x, x.shape[2:]), {}
    for part in parts(x, x.shape[2:]):
        now = taken(x, part)
        for number, move in enumerate(moves, start=1):
            key = (now.shape, number % 2)
            after = grown[part] if number == len(moves) else spare.get(key)
            if after is None:
                after = spare[key] = empty(now, now.shape[2:])
            _widen(now, *move, out=after)
            now = after
    return grown


def _widen(x: Tensor, axis: int, before: int, after: int, *, out: Tensor) -> None:
    """The maximum of each cell, of the one `before` it and of the one `after` it, of those that exist."""
    cells = x.shape[axis]
    before, after = min(before, cells), min(after, cells)
    both, ahead = cells - after, cells - before
    torch.maximum(x.narrow(axis, 0, both), x.narrow(axis, after, both), out=out.narrow(axis, 0, both))
    out.narrow(axis, both, after).copy_(x.narrow(axis, both, after))
    late = out.narrow(axis, before, ahead)
    torch.maximum(late, x.narrow(axis, 0, ahead), out=late)


class _Greatest(torch.autograd.Function):
    """Rows, then columns, by torch's kernel, which is fast where channels lie side by side.

    It needs 8 bytes a cell to say where a maximum is; kept are 2, or 4 for maps of more than 2**15 cells.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, size: int) -> Tensor:
        lines = [_Line.across(size), _Line.down(size)]
        number = torch.int16 if x.shape[2] * x.shape[3] <= 2**15 else torch.int32
        greatest, last = empty(x, x.shape[2:]), {"device": x.device, "memory_format": torch.channels_last}
        kept = [torch.empty((*x.shape[:2], *line.outputs(x)), dtype=number, **last) for line in lines]
        for part in parts(x, x.shape[2:], largest=LARGEST_KERNEL_PART):
            now = x[part].contiguous(memory_format=torch.channels_last)
            for line, places in zip(lines, kept, strict=True):
                pooled, places[part] = F.max_pool2d(now, line.kernel, 1, line.padding, return_indices=True)
                now = pooled[..., line.extra[0] :, line.extra[1] :]
            greatest[part] = now
        ctx.save_for_backward(*kept)
        ctx.lines, ctx.format = lines, format_of(x)
        return greatest

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        spread = torch.empty_like(gradient, memory_format=ctx.format)
        for part in parts(gradient, gradient.shape[2:], largest=LARGEST_KERNEL_PART):
            now = gradient[part].contiguous(memory_format=torch.channels_last)
            for line, places in zip(reversed(ctx.lines), reversed(ctx.saved_tensors), strict=True):
                given = F.pad(now, (line.extra[1], 0, line.extra[0], 0)) if any(line.extra) else now
                now = _scatter(given, now, line.kernel, 1, line.padding, 1, False, places[part].long())
            spread[part] = now
        return spread, None


class _Line(NamedTuple):
    """A window along one axis for torch's kernel, whose first output is one too many for an even size."""

    kernel: tuple[int, int]
    padding: tuple[int, int]
    extra: tuple[int, int]

    @classmethod
    def across(cls, size: int) -> _Line:
        return cls((1, size), (0, size // 2), (0, 1 - size % 2))

    @classmethod
    def down(cls, size: int) -> _Line:
        return cls((size, 1), (size // 2, 0), (1 - size % 2, 0))

    def outputs(self, x: Tensor) -> tuple[int, int]:
        """Rows and columns of what the kernel puts out."""
        return x.shape[2] + self.extra[0], x.shape[3] + self.extra[1]
