"""Locally connected layers."""

from __future__ import annotations

import numpy as np

from darknet_py.arithmetic.shape import Shape
from darknet_py.onnx_ops.nodes import Nodes


def locally_connected(nodes: Nodes, x: str, out: Shape, window: tuple[int, int, int]) -> str:
    """Windows times their own kernels, plus biases.

    Args:
        window: size, stride and padding of the kernels.
    """
    nodes.sides("every cell of a local layer has its own weights")
    size, stride, pad = window
    if pad:
        x = nodes.add("Pad", x, nodes.integers(0, 0, pad, pad, 0, 0, pad, pad))
    for axis, count in ((2, out.height), (4, out.width)):
        index = np.arange(count)[:, None] * stride + np.arange(size)
        x = nodes.add("Gather", x, nodes.array(index), axis=axis)
    ordered = nodes.add("Transpose", x, perm=[2, 4, 0, 1, 3, 5])  # rows, columns, N, C, window
    length = nodes.channels * size**2
    cells = nodes.add("Reshape", ordered, nodes.integers(out.cells, -1, length))
    kernels = nodes.arrays["weights"].reshape(out.cells, out.channels, length).transpose(0, 2, 1)
    products = nodes.add("MatMul", cells, nodes.constant(np.ascontiguousarray(kernels), "weights"))
    by_image = nodes.add("Transpose", products, perm=[1, 2, 0])
    shape = nodes.integers(0, out.channels, out.height, out.width)
    biases = nodes.constant(nodes.arrays["biases"][None], "biases")
    return nodes.add("Add", nodes.add("Reshape", by_image, shape), biases)
