"""The numbers of an image, or the channels of a cell, as vectors."""

from __future__ import annotations

from darknet_py.onnx_ops.convolution import folded
from darknet_py.onnx_ops.nodes import Nodes

EPSILON = 1e-6  # the smallest length that is divided by


def unit_length(nodes: Nodes, x: str, axis: int, least: float = EPSILON) -> str:
    """Vectors along an axis over their length."""
    length = nodes.add("ReduceL2", x, axes=[axis], keepdims=1)
    return nodes.add("Div", x, nodes.add("Max", length, nodes.constant(least)))


def as_cell(nodes: Nodes, x: str) -> str:
    """All numbers of an image as the channels of one cell."""
    return nodes.add("Reshape", x, nodes.integers(0, -1, 1, 1))


def connected(nodes: Nodes, x: str) -> str:
    """Every output reads every number of the map."""
    nodes.sides("a connected layer reads every number of the map")
    return as_cell(nodes, nodes.add("Gemm", nodes.add("Flatten", x), *folded(nodes), transB=1))


def softmax_of_parts(nodes: Nodes, x: str, count: int, temperature: float) -> str:
    """Softmax within each of `count` equal parts of an image's numbers."""
    parts = nodes.add("Reshape", x, nodes.integers(0, count, -1))
    shares = nodes.add("Softmax", over(nodes, parts, temperature), axis=2)
    return nodes.add("Reshape", shares, nodes.add("Shape", x))


def over(nodes: Nodes, x: str, divisor: float) -> str:
    """Over a number."""
    return x if divisor == 1 else nodes.add("Div", x, nodes.constant(divisor))
