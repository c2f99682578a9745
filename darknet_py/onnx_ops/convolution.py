"""Convolutions and linear layers, with their batch normalisation folded into weights and biases."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from darknet_py.onnx_ops.nodes import Floats, Nodes

EPSILON = 1e-5  # of batch normalisation, in the root


def scale_and_shift(arrays: Mapping[str, Floats]) -> tuple[Floats, Floats]:
    """Batch normalisation as y = scale x + shift, channel by channel."""
    variances = arrays["variances"].astype(np.float64) + EPSILON
    scales = arrays["scales"] / np.sqrt(variances)
    shift = arrays["biases"] - arrays["means"] * scales
    return scales.astype(np.float32), shift.astype(np.float32)


def folded(arrays: Mapping[str, Floats], *, axis: int = 0) -> tuple[Floats, Floats]:
    """Weights and biases with batch normalisation, where there is one, folded into them.

    Args:
        axis: of the outputs in the weights.
    """
    weights = arrays["weights"]
    if "scales" not in arrays:
        return weights, arrays["biases"]
    scale, shift = scale_and_shift(arrays)
    shape = [1] * weights.ndim
    shape[axis] = -1
    return weights * scale.reshape(shape), shift


def convolution(nodes: Nodes, x: str, **attributes: int | list[int]) -> str:
    """A convolution with the layer's arrays."""
    weights, biases = folded(nodes.arrays)
    inputs = nodes.constant(weights, "weights"), nodes.constant(biases, "biases")
    return nodes.add("Conv", x, *inputs, **attributes)


def transposed_convolution(nodes: Nodes, x: str, **attributes: int | list[int]) -> str:
    """A transposed convolution with the layer's arrays; the outputs are their second axis."""
    weights, biases = folded(nodes.arrays, axis=1)
    inputs = nodes.constant(weights, "weights"), nodes.constant(biases, "biases")
    return nodes.add("ConvTranspose", x, *inputs, **attributes)
