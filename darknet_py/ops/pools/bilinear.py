"""Bilinear pooling."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

EPSILON = 1e-6  # the smallest length that is divided by; a map of zeros gives zeros


def bilinear(*maps: Tensor, eps: float) -> Tensor:
    """(N, D1, H, W) and (N, D2, H, W) to (N, D1 * D2, 1, 1); a single map is paired with itself."""
    first, second = maps[0].flatten(2), maps[-1].flatten(2)
    products = (first @ second.transpose(1, 2) / first.shape[2]).flatten(1)
    rooted = products.sign() * (products.abs() + eps).sqrt()
    return F.normalize(rooted, dim=1, eps=EPSILON)[..., None, None]
