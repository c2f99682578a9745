"""Rearrangements of maps, and sums and products that several layers share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

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


def ones_like_map(nodes: Nodes, x: str) -> str:
    """A map of one channel of ones, (1, 1, H, W)."""
    shape = nodes.add("Concat", nodes.integers(1, 1), nodes.add("Shape", x, start=2), axis=0)
    return nodes.add("ConstantOfShape", shape, value=np.ones(1, np.float32))


def repeated(nodes: Nodes, numbers: str, like: str, shape: Sequence[int]) -> str:
    """A map of constants, (1, ...), for every image of another one."""
    images = nodes.add("Shape", like, end=1)
    return nodes.add("Expand", numbers, nodes.add("Concat", images, nodes.integers(*shape), axis=0))


def with_sides(nodes: Nodes, x: str, channels: int, sides: str) -> str:
    """The numbers of each image in their order, in other channels, rows and columns."""
    return nodes.add("Reshape", x, nodes.add("Concat", nodes.integers(0, channels), sides, axis=0))


def old_reorg(nodes: Nodes, x: str, stride: int) -> str:
    """Darknet's [reorg], which reads the map as one of (C / s², H * s, W * s) and takes that apart."""
    sides = nodes.add("Div", nodes.add("Shape", x, start=2), nodes.integers(stride, stride))
    split = nodes.integers(0, nodes.channels // stride**2, 0, stride, -1, stride)
    parts = nodes.add("Transpose", nodes.add("Reshape", x, split), perm=[0, 3, 5, 1, 2, 4])
    return with_sides(nodes, parts, nodes.channels * stride**2, sides)


def reinterpreted_to_cells(nodes: Nodes, x: str, stride: int) -> str:
    """Darknet's [reorg3d] with `reverse`."""
    sides = nodes.add("Mul", nodes.add("Shape", x, start=2), nodes.integers(stride, stride))
    channels = nodes.channels // stride**2
    larger = with_sides(nodes, x, channels, sides)
    return with_sides(nodes, nodes.add("DepthToSpace", larger, blocksize=stride), channels, sides)


def channels_last(nodes: Nodes, x: str, shape: Sequence[int]) -> str:
    """The numbers of (N, C, H, W) in the order (H, W, C), as a map of `shape`."""
    nodes.sides("the order of cells and channels is exchanged")
    ordered = nodes.add("Transpose", x, perm=[0, 2, 3, 1])
    return nodes.add("Reshape", ordered, nodes.integers(0, *shape))


def channels_first(nodes: Nodes, x: str, shape: Sequence[int]) -> str:
    """The numbers of a map in the order (H, W, C), rearranged to (C, H, W), as a map of `shape`."""
    rows, columns = nodes.sides("the order of cells and channels is exchanged")
    source = nodes.add("Reshape", x, nodes.integers(0, rows, columns, nodes.channels))
    ordered = nodes.add("Transpose", source, perm=[0, 3, 1, 2])
    return nodes.add("Reshape", ordered, nodes.integers(0, *shape))


def centre(nodes: Nodes, x: str, height: int, width: int) -> str:
    """A window of some rows and columns in the middle."""
    rows, columns = nodes.sides("the crop is at the centre of the image")
    top, left = (rows - height) // 2, (columns - width) // 2
    ends = nodes.integers(top + height, left + width)
    return nodes.add("Slice", x, nodes.integers(top, left), ends, nodes.integers(2, 3))


def sigmoid_of_first(nodes: Nodes, x: str, count: int) -> str:
    """The sigmoid of the first channels; the others are unchanged."""
    first = nodes.add("Sigmoid", channels(nodes, x, 0, count))
    if count == nodes.channels:
        return first
    return nodes.add("Concat", first, channels(nodes, x, count, nodes.channels - count), axis=1)
