"""Pools of the full map: sums of residuals, and outer products."""

from __future__ import annotations

from darknet_py.onnx_ops.nodes import Nodes
from darknet_py.onnx_ops.vectors import as_cell, unit_length


def _descriptors(nodes: Nodes, x: str, position: int = 0) -> str:
    """(N, C, H, W) to (N, C, cells)."""
    return nodes.add("Reshape", x, nodes.integers(0, nodes.maps[position].channels, -1))


def vlad(nodes: Nodes, x: str, *, normalize_input: bool) -> str:
    """Residuals of clusters."""
    descriptors = _descriptors(nodes, x)
    if normalize_input:
        descriptors = unit_length(nodes, descriptors, 1)
    weights, centres = nodes.constant(nodes.arrays["W"], "W"), nodes.constant(nodes.arrays["c"], "c")
    bias = nodes.constant(nodes.arrays["b"][:, None], "b")
    scores = nodes.add("Add", nodes.add("MatMul", weights, descriptors), bias)
    assigned = nodes.add("Softmax", scores, axis=1)
    sums = nodes.add("MatMul", assigned, nodes.add("Transpose", descriptors, perm=[0, 2, 1]))
    total = nodes.add("ReduceSum", assigned, nodes.integers(2), keepdims=1)
    residuals = nodes.add("Sub", sums, nodes.add("Mul", total, centres))
    return as_cell(nodes, unit_length(nodes, _flat(nodes, unit_length(nodes, residuals, 2)), 1))


def bilinear(nodes: Nodes, maps: tuple[str, ...], eps: float) -> str:
    """Outer products averaged over the cells, signed root, unit length; a single map with itself."""
    first, second = _descriptors(nodes, maps[0]), _descriptors(nodes, maps[-1], len(maps) - 1)
    products = nodes.add("MatMul", first, nodes.add("Transpose", second, perm=[0, 2, 1]))
    count = nodes.add("Cast", nodes.add("Shape", first, start=2), to=1)
    average = nodes.add("Div", products, count)
    root = nodes.add("Sqrt", nodes.add("Add", nodes.add("Abs", average), nodes.constant(eps)))
    signed = nodes.add("Mul", nodes.add("Sign", average), root)
    return as_cell(nodes, unit_length(nodes, _flat(nodes, signed), 1))


def _flat(nodes: Nodes, x: str) -> str:
    return nodes.add("Flatten", x)
