"""Sums of maps, plain and weighted."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

EPSILON = 1e-4  # Darknet: added to the sum of weights


class MapSum(nn.Module):
    """Adds maps to the first one; `plain` if all have its shape.

    Args:
        factors: what the first map and the added maps are multiplied by.
    """

    def __init__(self, act: nn.Module, *, plain: bool, factors: tuple[float, float] = (1, 1)) -> None:
        super().__init__()
        self.act = act
        self.add = torch.add if plain and factors == (1, 1) else partial(add_overlap, factors=factors)

    def forward(self, here: Tensor, *others: Tensor) -> Tensor:
        """(N, C, H, W) of `here`."""
        for other in others:
            here = self.add(here, other)
        activated: Tensor = self.act(here)
        return activated


class WeightedSum(nn.Module):
    """The sum of maps of one shape, each times a learned weight, or one for each channel."""

    def __init__(self, maps: int, per_map: int, normalization: str, act: nn.Module) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.ones(maps, per_map))
        self.normalize = NORMALIZATIONS[normalization]
        self.act = act

    def forward(self, *maps: Tensor) -> Tensor:
        """(N, C, H, W)."""
        shares = self.normalize(self.weights)
        total = sum(m * share.view(1, -1, 1, 1) for m, share in zip(maps, shares, strict=True))
        activated: Tensor = self.act(total)
        return activated


def relu_share(weights: Tensor) -> Tensor:
    """Positive parts over their sum over maps plus 1e-4."""
    positive = weights.clamp(min=0)
    return positive / (EPSILON + positive.sum(dim=0))


def softmax_share(weights: Tensor) -> Tensor:
    """Softmax over maps, 1e-4 added to the sum."""
    e = (weights - weights.amax(dim=0)).exp()
    return e / (EPSILON + e.sum(dim=0))


NORMALIZATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "none": torch.clone,
    "relu": relu_share,
    "avg_relu": relu_share,
    "softmax": softmax_share,
}


def add_overlap(here: Tensor, other: Tensor, *, factors: tuple[float, float]) -> Tensor:
    """Add the channels both have, the larger map subsampled to the smaller one's cells; other cells stay."""
    channels = min(here.shape[1], other.shape[1])
    step_y, step_x = (max(1, int(o) // int(h)) for h, o in zip(here.shape[2:], other.shape[2:], strict=True))
    skip_y, skip_x = (max(1, int(h) // int(o)) for h, o in zip(here.shape[2:], other.shape[2:], strict=True))
    result = here.clone()
    overlap, added = here[:, :channels, ::skip_y, ::skip_x], other[:, :channels, ::step_y, ::step_x]
    result[:, :channels, ::skip_y, ::skip_x] = overlap * factors[0] + added * factors[1]
    return result
