"""Maps in parts, for work that needs several maps of its own: those of a part stay in a cache."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

LARGEST_PART = 2**17  # output cells: 0.5 MB of float32; less, and the calls cost more than the work
FULL_LINE = 16  # channels: 64 bytes of float32, which are read together where channels lie side by side

Part = tuple[slice, slice]


def parts(x: Tensor, sides: tuple[int, int]) -> Iterator[Part]:
    """Some images and some channels each of a map that is pooled to (rows, columns)."""
    n, c = x.shape[:2]
    plane = max(sides[0] * sides[1], x.shape[2] * x.shape[3] // 4)
    images = max(1, LARGEST_PART // (c * plane))
    line = FULL_LINE if format_of(x) == torch.channels_last else 1
    channels = math.ceil(c / math.ceil(c * plane / LARGEST_PART) / line) * line
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


def exporting() -> bool:
    """Whether a graph is made of what runs: it shows the operations that a pool stands for, without loops."""
    return torch.compiler.is_compiling() or torch.jit.is_tracing()


def in_parts(pool: Callable[..., Tensor], x: Tensor, sides: tuple[int, int], *weights: Tensor) -> Tensor:
    """`pool(map, *weights)`, which treats every channel of every image alike, a part of the map at a time.

    Its temporary maps are a part's, and in training they are computed again instead of kept.

    Args:
        sides: rows and columns of what it puts out, with as many channels as the map.
    """
    if exporting():
        return pool(x, *weights)
    return _InParts.apply(pool, sides, x, *weights)  # type: ignore[no-any-return]


class _InParts(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, pool: Callable[..., Tensor], sides: tuple[int, int], *tensors: Tensor) -> Tensor:
        ctx.save_for_backward(*tensors)
        ctx.pool = pool
        x, *weights = tensors
        pooled = empty(x, sides)
        for part in parts(x, sides):
            pooled[part] = pool(taken(x, part), *weights)
        return pooled

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, *weights = (saved.detach() for saved in ctx.saved_tensors)
        spread = torch.empty_like(x, memory_format=format_of(x))
        totals = [torch.zeros_like(weight) for weight in weights]
        for part in parts(x, gradient.shape[2:]):
            inputs = [taken(x, part).requires_grad_(), *(w.detach().requires_grad_() for w in weights)]
            with torch.enable_grad():
                pooled = ctx.pool(*inputs)
            spread[part], *more = torch.autograd.grad(pooled, inputs, gradient[part])
            for total, term in zip(totals, more, strict=True):
                total += term
        return None, None, spread, *totals
