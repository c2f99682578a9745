"""Rearrangements of maps, and sums and products that several layers share."""

from __future__ import annotations

from collections.abc import Sequence

from darknet_py.onnx_ops.nodes import Nodes


def concatenated(nodes: Nodes, maps: Sequence[str]) -> str:
    """Along channels; a single map is passed on."""
    return maps[0] if len(maps) == 1 else nodes.add("Concat", *maps, axis=1)


def channels(nodes: Nodes, x: str, first: int, count: int) -> str:
    """Some channels."""
    return nodes.add("Slice", x, nodes.integers(first), nodes.integers(first + count), nodes.integers(1))


def scaled(nodes: Nodes, x: str, factor: float) -> str:
    """Times a number."""
    return x if factor == 1 else nodes.add("Mul", x, nodes.constant(factor))


def upsampled(nodes: Nodes, x: str, stride: int) -> str:
    """Each cell repeated stride x stride times."""
    if stride == 1:
        return x
    words = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return nodes.add("Resize", x, "", nodes.constant([1, 1, stride, stride]), **words)


def downsampled(nodes: Nodes, x: str, stride: int, scale: float) -> str:
    """The sum of each block, times `scale`."""
    mean = nodes.add("AveragePool", x, kernel_shape=[stride] * 2, strides=[stride] * 2)
    return scaled(nodes, mean, scale * stride**2)
