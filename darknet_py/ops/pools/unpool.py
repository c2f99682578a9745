"""Max unpooling."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from darknet_py.ops.pools.window import Grid


def unpooled(values: Tensor, pooled: Tensor, x: Tensor, *, grid: Grid) -> Tensor:
    """(N, C, H', W') to (N, C, H, W), the shape of `x`, which the pool reads.

    `pooled`, the pool's output, is an input because its receptive field is a part of this layer's; the
    positions of the maxima follow from `x` alone.
    """
    with torch.no_grad():
        padded = grid.pad(x, -torch.inf)
        kernel, steps = grid.kernel(padded), grid.steps(padded)
        _, chosen = F.max_pool2d(padded, kernel, steps, return_indices=True)
    spread = values.new_zeros(*x.shape[:2], padded.shape[-2] * padded.shape[-1])
    spread = spread.scatter_add(2, chosen.flatten(2), values.flatten(2))
    return grid.unpad(spread.view(padded.shape), x.shape)
