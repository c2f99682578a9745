"""Maps in parts, for work that needs several maps of its own: those of a part stay in a cache."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

LARGEST_PART = 2**17  # output cells: 0.5 MB of float32; less, and the calls cost more than the work
FULL_LINE = 16  # channels: 64 bytes of float32, which are read together where channels lie side by side

_scatter = torch.ops.aten.max_pool2d_with_indices_backward

Part = tuple[slice, slice]


def parts(x: Tensor, sides: tuple[int, int], *, largest: int = LARGEST_PART) -> Iterator[Part]:
    """Some images and some channels each of a map pooled to (rows, columns), `largest` cells or so."""
    n, c = x.shape[:2]
    plane = max(sides[0] * sides[1], x.shape[2] * x.shape[3] // 4)
    images = max(1, largest // (c * plane))
    line = FULL_LINE if format_of(x) == torch.channels_last else 1
    channels = math.ceil(c / math.ceil(c * plane / largest) / line) * line
    for image in range(0, n, images):
        for channel in range(0, c, channels):
            yield slice(image, image + images), slice(channel, channel + channels)


def taken(x: Tensor, part: Part) -> Tensor:
    """A part of a map, without gaps in memory; a copy where it has some."""
    return x[part].contiguous(memory_format=format_of(x))


def format_of(x: Tensor) -> torch.memory_format:
    """The order that a map's numbers have in memory; contiguous where both would do."""
    if x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous():
        return torch.channels_last
    return torch.contiguous_format


def empty(x: Tensor, sides: tuple[int, int], dtype: torch.dtype | None = None) -> Tensor:
    """A new map (N, C, *sides) on the device and in the format of another."""
    size = (*x.shape[:2], *sides)
    return torch.empty(size, dtype=dtype or x.dtype, device=x.device, memory_format=format_of(x))


def zeros(x: Tensor, sides: tuple[int, int]) -> Tensor:
    """As `empty`, of zeros."""
    return empty(x, sides).zero_()


def put_at(places: Tensor, values: Tensor, *, out: Tensor) -> None:
    """Fill a map with values (N, C, H', W') added at their places in it, int64, numbers row by row.

    On the CPU by the kernel of torch's max pool, several times faster than a scatter; there it believes the
    places, whatever the window, of which only the sides of what it puts out are checked.
    """
    if values.device.type != "cpu" or values.shape[3] > out.shape[3]:
        out.zero_().flatten(2).scatter_add_(2, places.flatten(2), values.flatten(2))
        return
    for start in range(0, values.shape[2], out.shape[2]):  # as many rows at once as the map has
        some, there = (one[:, :, start : start + out.shape[2]] for one in (values, places))
        window = [side - n + 1 for side, n in zip(out.shape[2:], some.shape[2:], strict=True)]
        if start == 0 and out.is_contiguous(memory_format=format_of(values)):
            _scatter.grad_input(some, out, window, 1, 0, 1, False, there, grad_input=out)
        elif start == 0:
            out.copy_(_scatter(some, out, window, 1, 0, 1, False, there))
        else:
            out += _scatter(some, out, window, 1, 0, 1, False, there)


def exporting() -> bool:
    """Whether a graph is made of what runs: it shows the operations that a pool stands for, without loops."""
    return torch.compiler.is_compiling() or torch.jit.is_tracing()


def in_parts(
    pool: Callable[..., Tensor],
    x: Tensor,
    sides: tuple[int, int],
    *weights: Tensor,
    chosen: Tensor | None = None,
) -> Tensor:
    """`pool(map, *weights)`, which treats every channel of every image alike, a part of the map at a time.

    Its temporary maps are a part's, and in training they are computed again instead of kept.

    Args:
        sides: rows and columns of what it puts out, with as many channels as the map.
        chosen: a choice for each cell put out; of it too the pool gets a part, after the map's.
    """
    if exporting():
        return pool(x, *weights) if chosen is None else pool(x, chosen, *weights)
    return _InParts.apply(pool, sides, chosen, x, *weights)  # type: ignore[no-any-return]


class _InParts(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, pool: Callable[..., Tensor], sides: tuple[int, int], chosen: Tensor | None, *tensors: Tensor
    ) -> Tensor:
        ctx.save_for_backward(chosen, *tensors)
        ctx.pool = pool
        x, *weights = tensors
        pooled = empty(x, sides)
        for part in parts(x, sides):
            pooled[part] = pool(taken(x, part), *_part_of(chosen, part), *weights)
        return pooled

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        chosen, x, *weights = ctx.saved_tensors
        spread = torch.empty_like(x, memory_format=format_of(x))
        totals = [torch.zeros_like(weight) for weight in weights]
        for part in parts(x, gradient.shape[2:]):
            inputs = [
                taken(x, part).detach().requires_grad_(),
                *(w.detach().requires_grad_() for w in weights),
            ]
            with torch.enable_grad():
                pooled = ctx.pool(inputs[0], *_part_of(chosen, part), *inputs[1:])
            spread[part], *more = torch.autograd.grad(pooled, inputs, gradient[part])
            for total, term in zip(totals, more, strict=True):
                total += term
        return None, None, None, spread, *totals


def _part_of(chosen: Tensor | None, part: Part) -> list[Tensor]:
    return [] if chosen is None else [chosen[part]]


def in_parts_by_hand(
    pool: Callable[[Tensor], Tensor],
    pull: Callable[[Tensor, Tensor], Tensor],
    x: Tensor,
    sides: tuple[int, int],
) -> Tensor:
    """As `in_parts`, in float32 at least, with a backward pass of its own: `pull(map, gradient)`."""
    exact = x if x.dtype == torch.float64 else x.float()
    if torch.is_grad_enabled() and x.requires_grad:
        return _ByHand.apply(exact, sides, pool, pull).to(x.dtype)  # type: ignore[no-any-return]
    return _part_by_part(exact, sides, pool).to(x.dtype)


def _part_by_part(x: Tensor, sides: tuple[int, int], pool: Callable[[Tensor], Tensor]) -> Tensor:
    pooled = empty(x, sides)
    for part in parts(x, sides):
        pooled[part] = pool(taken(x, part))
    return pooled


class _ByHand(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        sides: tuple[int, int],
        pool: Callable[[Tensor], Tensor],
        pull: Callable[[Tensor, Tensor], Tensor],
    ) -> Tensor:
        ctx.save_for_backward(x)
        ctx.pull = pull
        return _part_by_part(x, sides, pool)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        (x,) = ctx.saved_tensors
        spread = torch.empty_like(x, memory_format=format_of(x))
        for part in parts(x, gradient.shape[2:]):
            spread[part] = ctx.pull(taken(x.detach(), part), gradient[part])
        return spread, None, None, None
