"""Maps processed in parts, so that the temporary maps of one part stay in the cache."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

LARGEST_PART = 2**17  # output cells: 0.5 MB of float32; with fewer, calls cost more than the work
FULL_LINE = 16  # channels: 64 bytes of float32, one cache line in channels_last

_scatter = torch.ops.aten.max_pool2d_with_indices_backward

Part = tuple[slice, slice]
Sides = tuple[int, int]  # rows and columns


def recording() -> bool:
    """Whether torch records a graph of the operations: jit.trace, torch.onnx, torch.export, torch.compile.

    A graph takes what is written through `out=` or into a slice for a constant, or refuses it, so pools are
    then computed on complete maps by operations that return their result.
    """
    tracing: bool = torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
    return tracing or torch.compiler.is_compiling()


def sides_of(x: Tensor) -> Sides:
    """Rows and columns of a map."""
    return x.shape[2], x.shape[3]


def parts(x: Tensor, sides: Sides, *, largest: int = LARGEST_PART) -> Iterator[Part]:
    """Slices of images and channels of a map pooled to `sides`, each of about `largest` cells."""
    n, c = x.shape[:2]
    plane = max(sides[0] * sides[1], x.shape[2] * x.shape[3] // 4)
    images = max(1, largest // (c * plane))
    line = FULL_LINE if format_of(x) == torch.channels_last else 1
    channels = math.ceil(c / math.ceil(c * plane / largest) / line) * line
    for image in range(0, n, images):
        for channel in range(0, c, channels):
            yield slice(image, image + images), slice(channel, channel + channels)


def taken(x: Tensor, part: Part) -> Tensor:
    """A part of a map, contiguous in the format of the map."""
    return x[part].contiguous(memory_format=format_of(x))


def format_of(x: Tensor) -> torch.memory_format:
    """The memory format of a map; contiguous where both apply."""
    if x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous():
        return torch.channels_last
    return torch.contiguous_format


def empty(x: Tensor, sides: Sides, dtype: torch.dtype | None = None) -> Tensor:
    """An uninitialised map (N, C, *sides) with the device and the format of another."""
    size = (*x.shape[:2], *sides)
    return torch.empty(size, dtype=dtype or x.dtype, device=x.device, memory_format=format_of(x))


def zeros(x: Tensor, sides: Sides) -> Tensor:
    """A map of zeros, otherwise as `empty`."""
    return empty(x, sides).zero_()


def put_at(places: Tensor, values: Tensor, *, out: Tensor) -> None:
    """Fill a map with values (N, C, H', W'), each added at its place: an int64 cell number, row by row.

    On the CPU this uses the backward kernel of torch's max pool, several times faster than a scatter. It
    trusts the places, and checks only that the window fits the sides of the values.
    """
    if values.device.type != "cpu" or values.shape[3] > out.shape[3]:
        out.zero_().flatten(2).scatter_add_(2, places.flatten(2), values.flatten(2))
        return
    for start in range(0, values.shape[2], out.shape[2]):  # at most as many rows at once as the map has
        some, there = (one[:, :, start : start + out.shape[2]] for one in (values, places))
        window = [side - n + 1 for side, n in zip(out.shape[2:], some.shape[2:], strict=True)]
        if start == 0 and out.is_contiguous(memory_format=format_of(values)):
            _scatter.grad_input(some, out, window, 1, 0, 1, False, there, grad_input=out)
        elif start == 0:
            out.copy_(_scatter(some, out, window, 1, 0, 1, False, there))
        else:
            out += _scatter(some, out, window, 1, 0, 1, False, there)


def in_parts(
    pool: Callable[..., Tensor],
    x: Tensor,
    sides: Sides,
    *weights: Tensor,
    mask: Tensor | None = None,
) -> Tensor:
    """Compute `pool(map, *weights)`, which works channel by channel, one part of the map at a time.

    Only a part's temporary maps exist at once; the backward pass computes them again.

    Args:
        sides: rows and columns of the output, which has as many channels as the map.
        mask: one value for each output cell; `pool` gets a part of it as well, after the map's.
    """
    if recording():
        return pool(x, *([] if mask is None else [mask]), *weights)
    pooled: Tensor = _InParts.apply(pool, sides, mask, x, *weights)
    return pooled


class _InParts(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, pool: Callable[..., Tensor], sides: Sides, mask: Tensor | None, *tensors: Tensor
    ) -> Tensor:
        ctx.save_for_backward(mask, *tensors)
        ctx.pool = pool
        x, *weights = tensors
        pooled = empty(x, sides)
        for part in parts(x, sides):
            pooled[part] = pool(taken(x, part), *_part_of(mask, part), *weights)
        return pooled

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        mask, x, *weights = ctx.saved_tensors
        spread = torch.empty_like(x, memory_format=format_of(x))
        totals = [torch.zeros_like(weight) for weight in weights]
        for part in parts(x, sides_of(gradient)):
            inputs = [
                taken(x, part).detach().requires_grad_(),
                *(w.detach().requires_grad_() for w in weights),
            ]
            with torch.enable_grad():
                pooled = ctx.pool(inputs[0], *_part_of(mask, part), *inputs[1:])
            spread[part], *more = torch.autograd.grad(pooled, inputs, gradient[part])
            for total, term in zip(totals, more, strict=True):
                total += term
        return None, None, None, spread, *totals


def _part_of(mask: Tensor | None, part: Part) -> list[Tensor]:
    return [] if mask is None else [mask[part]]


def in_parts_with_gradient(
    pool: Callable[[Tensor], Tensor],
    pull: Callable[[Tensor, Tensor], Tensor],
    x: Tensor,
    sides: Sides,
) -> Tensor:
    """Compute as `in_parts`, in float32 at least; the backward pass is `pull(map, gradient)`."""
    exact = x if x.dtype == torch.float64 else x.float()
    if recording():
        return pool(exact).to(x.dtype)
    if torch.is_grad_enabled() and x.requires_grad:
        pooled: Tensor = _InPartsWithGradient.apply(exact, sides, pool, pull)
        return pooled.to(x.dtype)
    return _part_by_part(exact, sides, pool).to(x.dtype)


def _part_by_part(x: Tensor, sides: Sides, pool: Callable[[Tensor], Tensor]) -> Tensor:
    pooled = empty(x, sides)
    for part in parts(x, sides):
        pooled[part] = pool(taken(x, part))
    return pooled


class _InPartsWithGradient(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        sides: Sides,
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
        for part in parts(x, sides_of(gradient)):
            spread[part] = ctx.pull(taken(x.detach(), part), gradient[part])
        return spread, None, None, None
