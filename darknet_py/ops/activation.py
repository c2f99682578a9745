"""Activation functions that torch lacks, or that Darknet computes differently. x is (N, C, H, W)."""

from __future__ import annotations

import torch
from torch import Tensor

EPSILON = 1e-4  # Darknet: added to the sum over channels


def selu(x: Tensor) -> Tensor:
    """SELU with Darknet's constants, rounded to four digits."""
    return torch.where(x >= 0, 1.0507 * x, 1.0507 * 1.6732 * torch.expm1(x.clamp(max=0)))


def gelu(x: Tensor) -> Tensor:
    """GELU by the tanh formula, with Darknet's rounded constants."""
    return 0.5 * x * (1 + torch.tanh(0.797885 * x + 0.035677 * x**3))


def loggy(x: Tensor) -> Tensor:
    """2 sigmoid(x) - 1."""
    return 2 * torch.sigmoid(x) - 1


def ramp(x: Tensor) -> Tensor:
    """Slope 1.1 above zero, 0.1 below."""
    return x.clamp(min=0) + 0.1 * x


def plse(x: Tensor) -> Tensor:
    """A piecewise linear sigmoid."""
    return torch.where(x < -4, 0.01 * (x + 4), torch.where(x > 4, 0.01 * (x - 4) + 1, 0.125 * x + 0.5))


def stair(x: Tensor) -> Tensor:
    """Alternating steps and ramps: floor(x / 2), plus x - floor(x) where floor(x) is odd."""
    n = torch.floor(x)
    return torch.floor(x / 2) + torch.where(torch.remainder(n, 2) == 1, x - n, torch.zeros_like(x))


def lhtan(x: Tensor) -> Tensor:
    """A leaky clip to [0, 1], slope 0.001 outside."""
    return torch.where(x < 0, 0.001 * x, torch.where(x > 1, 0.001 * (x - 1) + 1, x))


def hard_mish(x: Tensor) -> Tensor:
    """x above zero, x²/2 + x down to -2, zero below."""
    return torch.where(x > 0, x, torch.where(x > -2, x * x / 2 + x, torch.zeros_like(x)))


def normalize_channels(x: Tensor) -> Tensor:
    """relu(x) over its sum over channels."""
    positive = x.clamp(min=0)
    return positive / (EPSILON + positive.sum(dim=1, keepdim=True))


def normalize_channels_softmax(x: Tensor) -> Tensor:
    """e^x over its sum over channels plus 1e-4."""
    return _softmax(x.exp())


def normalize_channels_softmax_maxval(x: Tensor) -> Tensor:
    """As `normalize_channels_softmax`, with the maximum over channels subtracted first."""
    return _softmax((x - x.amax(dim=1, keepdim=True)).exp())


def _softmax(e: Tensor) -> Tensor:
    return e / (EPSILON + e.sum(dim=1, keepdim=True))
