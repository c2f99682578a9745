"""Convolutions and linear layers, with their batch normalisation folded into weights and biases."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from darknet_py.onnx_ops.nodes import Floats, Fold, Nodes

EPSILON = 1e-5  # of batch normalisation, in the root


def scale_and_shift(arrays: Mapping[str, Floats]) -> tuple[Floats, Floats]:
    """Batch normalisation as y = scale x + shift, channel by channel."""
    variances = arrays["variances"].astype(np.float64) + EPSILON
    scales = arrays["scales"] / np.sqrt(variances)
    shift = arrays["biases"] - arrays["means"] * scales
    return scales.astype(np.float32), shift.astype(np.float32)


def folded(nodes: Nodes, *, axis: int = 0) -> tuple[str, str]:
    """Weights and biases with batch normalisation, where there is one, folded into them.

    Layers that share their arrays share what is folded.

    Args:
        axis: of the outputs in the weights.
    """
    arrays, folds = nodes.arrays, nodes.graph.folds
    if id(arrays) not in folds:
        weights, biases = arrays["weights"], arrays["biases"]
        if "scales" in arrays:
            scale, biases = scale_and_shift(arrays)
            shape = [-1 if at == axis else 1 for at in range(weights.ndim)]
            out = weights if nodes.graph.in_place else None
            weights = np.multiply(weights, scale.reshape(shape), out=out)
        names = nodes.constant(weights, "weights"), nodes.constant(biases, "biases")
        folds[id(arrays)] = Fold(arrays, *names)
    return folds[id(arrays)][1:]


def convolution(nodes: Nodes, x: str, **attributes: int | list[int]) -> str:
    """A convolution with the layer's arrays."""
    return nodes.add("Conv", x, *folded(nodes), **attributes)


def transposed_convolution(nodes: Nodes, x: str, **attributes: int | list[int]) -> str:
    """A transposed convolution with the layer's arrays; the outputs are their second axis."""
    return nodes.add("ConvTranspose", x, *folded(nodes, axis=1), **attributes)
