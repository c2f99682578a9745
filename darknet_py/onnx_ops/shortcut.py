"""Sums of maps, plain and weighted, also of maps of different shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from darknet_py.arithmetic.shape import Shape
from darknet_py.onnx_ops.map import scaled
from darknet_py.onnx_ops.nodes import Floats, Nodes

EPSILON = 1e-4  # Darknet: added to the sum of weights


class Factors(NamedTuple):
    """The shapes of two maps, and what they are multiplied by where they are added."""

    here: Shape
    other: Shape
    alpha: float
    beta: float


def added(nodes: Nodes, here: str, other: str, factors: Factors) -> str:
    """The channels that both have are added, the larger map subsampled; other cells of `here` stay."""
    if factors.here == factors.other:
        return nodes.add("Add", scaled(nodes, here, factors.alpha), scaled(nodes, other, factors.beta))
    channels = min(factors.here.channels, factors.other.channels)
    pairs = (factors.here.height, factors.other.height), (factors.here.width, factors.other.width)
    steps, skips = [max(1, o // h) for h, o in pairs], [max(1, h // o) for h, o in pairs]
    more = scaled(nodes, _subsampled(nodes, other, channels, steps), factors.beta)
    if factors.alpha != 1:
        overlap = _subsampled(nodes, here, channels, skips)
        more = nodes.add("Add", more, scaled(nodes, overlap, factors.alpha - 1))
    if skips != [1, 1]:
        more = _spread(nodes, more, channels, skips)
    if (absent := factors.here.channels - channels) > 0:
        more = nodes.add("Pad", more, nodes.integers(0, 0, 0, 0, 0, absent, 0, 0))
    return nodes.add("Add", here, more)


def _subsampled(nodes: Nodes, x: str, channels: int, steps: Sequence[int]) -> str:
    """The first channels, every step-th row and column."""
    far = np.iinfo(np.int64).max
    ends = nodes.integers(channels, far, far)
    return nodes.add(
        "Slice", x, nodes.integers(0, 0, 0), ends, nodes.integers(1, 2, 3), nodes.integers(1, *steps)
    )


def _spread(nodes: Nodes, x: str, channels: int, steps: Sequence[int]) -> str:
    """Cells set apart, zeros between them: a transposed convolution with a kernel that is 1 at its corner."""
    kernel = np.zeros((channels, 1, *steps), np.float32)
    kernel[:, :, 0, 0] = 1
    weights = nodes.constant(kernel, "spread")
    sides = list(steps)
    return nodes.add("ConvTranspose", x, weights, kernel_shape=sides, strides=sides, group=channels)


def weighted_sum(nodes: Nodes, maps: Sequence[str], normalization: str) -> str:
    """Each map times its weight, or times one for each channel; the weights are normalised in numpy."""
    shares = _shares(nodes.arrays["weights"], normalization)
    terms = [
        nodes.add("Mul", name, nodes.constant(share.reshape(1, -1, 1, 1), "share"))
        for name, share in zip(maps, shares, strict=True)
    ]
    total = terms[0]
    for term in terms[1:]:
        total = nodes.add("Add", total, term)
    return total


def _shares(weights: Floats, normalization: str) -> Floats:
    if normalization == "none":
        return weights
    softmax = normalization == "softmax"
    positive = np.exp(weights - weights.max(axis=0)) if softmax else weights.clip(min=0)
    shares: Floats = positive / (EPSILON + positive.sum(axis=0))
    return shares
