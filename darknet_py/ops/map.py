"""Rearranging maps, without parameters."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def concatenated(*maps: Tensor, groups: int, group: int) -> Tensor:
    """Block `group` of `groups` of each map's channels, concatenated."""
    return torch.cat([m.chunk(groups, dim=1)[group] for m in maps], dim=1)


def old_reorg(x: Tensor, *, stride: int) -> Tensor:
    """Darknet's `[reorg]`: (N, C, H, W) to (N, C * s², H / s, W / s).

    It goes through a reinterpretation as (C / s², H * s, W * s). YOLOv2's weights need precisely this order,
    which is no space-to-depth.
    """
    n, c, h, w = x.shape
    split = x.reshape(n, c // stride**2, h, stride, w, stride).permute(0, 3, 5, 1, 2, 4)
    return split.reshape(n, c * stride**2, h // stride, w // stride)


def channels_to_cells(x: Tensor, *, stride: int) -> Tensor:
    """Darknet's `[reorg]` with `reverse`: (N, s² * C, H, W) to (N, C, H * s, W * s), depth to space.

    It is the inverse of `[reorg3d]`, not of `[reorg]`.
    """
    n, c, h, w = x.shape
    whole = c // stride**2
    split = x.reshape(n, stride, stride, whole, h, w).permute(0, 3, 4, 1, 5, 2)
    return split.reshape(n, whole, h * stride, w * stride)


def blocks_to_channels(x: Tensor, *, stride: int) -> Tensor:
    """Darknet's `[reorg3d]`: (N, C, H, W) to (N, s² * C, H / s, W / s), the place in the block slow."""
    n, c, h, w = x.shape
    split = x.reshape(n, c, h // stride, stride, w // stride, stride).permute(0, 3, 5, 1, 2, 4)
    return split.reshape(n, c * stride**2, h // stride, w // stride)


def reinterpreted_to_cells(x: Tensor, *, stride: int) -> Tensor:
    """Darknet's `[reorg3d]` with `reverse`: (N, C, H, W) to (N, C / s², H * s, W * s).

    It reads the map as one of (C / s², H * s, W * s), takes channels to cells, and reads the result as that
    shape again: the inverse of `old_reorg`.
    """
    n, c, h, w = x.shape
    whole = (c // stride**2, h * stride, w * stride)
    return channels_to_cells(x.reshape(n, *whole), stride=stride).reshape(n, *whole)


def channels_last(x: Tensor, *, shape: tuple[int, int, int]) -> Tensor:
    """The numbers of (N, C, H, W) in the order (H, W, C), as a map of `shape`."""
    return x.permute(0, 2, 3, 1).reshape(x.shape[0], *shape)


def channels_first(x: Tensor, *, shape: tuple[int, int, int]) -> Tensor:
    """The numbers of a map that lie in the order (H, W, C), in the order (C, H, W), as a map of `shape`."""
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


def softmax_of_groups(x: Tensor, *, groups: int, temperature: float) -> Tensor:
    """Softmax of x / temperature within each of `groups` equal parts of an image's numbers; shape kept."""
    return (x.reshape(x.shape[0], groups, -1) / temperature).softmax(dim=-1).reshape(x.shape)


def softmax_of_channels(x: Tensor, *, temperature: float) -> Tensor:
    """Softmax of x / temperature over channels at each cell."""
    return (x / temperature).softmax(dim=1)


def unit_vectors(x: Tensor) -> Tensor:
    """x over its length over channels, at each cell; 0 where all channels are."""
    return nn.functional.normalize(x, dim=1)


def sigmoid_of_first(x: Tensor, *, channels: int) -> Tensor:
    """The first channels through a sigmoid, the others as they are."""
    return torch.cat([x[:, :channels].sigmoid(), x[:, channels:]], dim=1)
