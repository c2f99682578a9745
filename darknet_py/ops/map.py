"""Functions of maps without parameters."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def concatenate_groups(*maps: Tensor, blocks: int, block: int) -> Tensor:
    """Block `block` of `blocks` of each map's channels, concatenated."""
    return torch.cat([m.chunk(blocks, dim=1)[block] for m in maps], dim=1)


def old_reorg(x: Tensor, *, stride: int) -> Tensor:
    """Darknet's `[reorg]`: (N, C, H, W) to (N, C * s², H / s, W / s).

    It reinterprets the map as (C / s², H * s, W * s). YOLOv2's weights need exactly this order, which is not
    space-to-depth.
    """
    n, c, h, w = x.shape
    split = x.reshape(n, c // stride**2, h, stride, w, stride).permute(0, 3, 5, 1, 2, 4)
    return split.reshape(n, c * stride**2, h // stride, w // stride)


def channels_to_cells(x: Tensor, *, stride: int) -> Tensor:
    """Darknet's `[reorg]` with `reverse`: (N, s² * C, H, W) to (N, C, H * s, W * s), depth to space.

    It is the inverse of `[reorg3d]`, not of `[reorg]`.
    """
    n, c, h, w = x.shape
    out_channels = c // stride**2
    split = x.reshape(n, stride, stride, out_channels, h, w).permute(0, 3, 4, 1, 5, 2)
    return split.reshape(n, out_channels, h * stride, w * stride)


def blocks_to_channels(x: Tensor, *, stride: int) -> Tensor:
    """Darknet's `[reorg3d]`: (N, C, H, W) to (N, s² * C, H / s, W / s), the position in the block slow."""
    n, c, h, w = x.shape
    split = x.reshape(n, c, h // stride, stride, w // stride, stride).permute(0, 3, 5, 1, 2, 4)
    return split.reshape(n, c * stride**2, h // stride, w // stride)


def reinterpreted_to_cells(x: Tensor, *, stride: int) -> Tensor:
    """Darknet's `[reorg3d]` with `reverse`: (N, C, H, W) to (N, C / s², H * s, W * s).

    It reinterprets the map as (C / s², H * s, W * s), moves channels to cells, and reinterprets the result as
    that shape again: the inverse of `old_reorg`.
    """
    n, c, h, w = x.shape
    shape = (n, c // stride**2, h * stride, w * stride)
    return channels_to_cells(x.reshape(shape), stride=stride).reshape(shape)


def channels_last(x: Tensor, *, shape: tuple[int, int, int]) -> Tensor:
    """The numbers of (N, C, H, W) in the order (H, W, C), as a map of `shape`."""
    return x.permute(0, 2, 3, 1).reshape(x.shape[0], *shape)


def channels_first(x: Tensor, *, shape: tuple[int, int, int]) -> Tensor:
    """The numbers of a map in the order (H, W, C), rearranged to (C, H, W), as a map of `shape`."""
    n, c, h, w = x.shape
    return x.reshape(n, h, w, c).permute(0, 3, 1, 2).reshape(n, *shape)


def upsampled(x: Tensor, *, stride: int, scale: float) -> Tensor:
    """Nearest neighbour: (N, C, H, W) to (N, C, H * s, W * s), times `scale`."""
    larger = nn.functional.interpolate(x, scale_factor=stride, mode="nearest")
    return larger if scale == 1 else larger * scale


def downsampled(x: Tensor, *, stride: int, scale: float) -> Tensor:
    """The sum of each s x s block, times `scale`: (N, C, H, W) to (N, C, H // s, W // s)."""
    return nn.functional.avg_pool2d(x, stride) * (scale * stride**2)


def global_mean(x: Tensor) -> Tensor:
    """(N, C, H, W) to (N, C, 1, 1)."""
    return x.mean(dim=(2, 3), keepdim=True)


def softmax_of_parts(x: Tensor, *, count: int, temperature: float) -> Tensor:
    """Softmax of x / temperature within each of `count` equal parts of an image's numbers; shape kept."""
    return (x.reshape(x.shape[0], count, -1) / temperature).softmax(dim=-1).reshape(x.shape)


def softmax_of_channels(x: Tensor, *, temperature: float) -> Tensor:
    """Softmax of x / temperature over channels at each cell."""
    return (x / temperature).softmax(dim=1)


def unit_vectors(x: Tensor) -> Tensor:
    """x over its length over channels, at each cell; 0 where all channels are 0."""
    return nn.functional.normalize(x, dim=1)


def sigmoid_of_first(x: Tensor, *, channels: int) -> Tensor:
    """The sigmoid of the first channels; the others are unchanged."""
    return torch.cat([x[:, :channels].sigmoid(), x[:, channels:]], dim=1)
