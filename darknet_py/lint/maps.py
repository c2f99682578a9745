"""Rules about windows and the maps under them."""

from __future__ import annotations

import math
from collections.abc import Iterator

from darknet_py.arithmetic.shape import Shape
from darknet_py.arithmetic.window import Axis
from darknet_py.cfg.diagnostics import Complaint
from darknet_py.graph.graph import Graph, Node
from darknet_py.graph.input_sizes import shapes_at, smallest_size
from darknet_py.layers.parametric.convolutional import Convolutional
from darknet_py.lint.base import NET, GraphRule, LayerComplaint

MANY = 1 / 4  # of the cells of a map: if more see all of it, its pool is more a global one than not


def map_grows(graph: Graph) -> Iterator[LayerComplaint]:
    """An even kernel with size // 2 zeros around: one row and one column too many."""
    for node, layer in _convolutions(graph):
        rows, columns = -(-node.maps[0].height // layer.stride_y), -(-node.maps[0].width // layer.stride_x)
        shape = node.shape
        if shape.height > rows and shape.width > columns:
            padded = f"size={layer.size} with padding {layer.around}"
            message = f"{padded} makes the map {shape.height} x {shape.width}, not {rows} x {columns}"
            reason = "an odd size with pad=1 keeps every cell in its place"
            yield node.index, Complaint(message, key="size", reason=reason)


def large_kernel(graph: Graph) -> Iterator[LayerComplaint]:
    """A kernel of which some rows or columns of taps read zeros wherever it stands."""
    for node, layer in _convolutions(graph):
        if layer.size == 1:
            continue
        window, map_ = layer.window(*node.maps), node.maps[0]
        rows = _reading(window.rows, node.shape.height, map_.height)
        columns = _reading(window.columns, node.shape.width, map_.width)
        taps, reading = layer.size**2, rows * columns
        if reading < taps:
            message = (
                f"{taps - reading} of {taps} taps read only zeros on a map of {map_.height} x {map_.width}"
            )
            reason = f"a kernel of {window.rows.size} is too large for it"
            yield node.index, Complaint(message, key="size", reason=reason)


def _reading(axis: Axis, positions: int, inside: int) -> int:
    """How many taps along an axis read a cell of the map from at least one of their positions."""
    found = 0
    for tap in range(0, axis.size, axis.step):
        cell = max(0, math.ceil((axis.before - tap) / axis.stride))  # the first at which it is in or beyond
        found += cell < positions and axis.first(cell) + tap < inside
    return found


def no_effect(graph: Graph) -> Iterator[LayerComplaint]:
    """Keys of a convolution that another key overrides."""
    for node, layer in _convolutions(graph):
        if layer.dilation != layer.spread:
            message = f"dilation={layer.dilation} has no effect"
            yield node.index, Complaint(message, key="dilation", reason="a kernel of size=1 has one tap")
        given = graph.document.sections[node.index + 1].first("padding")
        if layer.pad and given and layer.padding != layer.around:
            message = f"padding={layer.padding} has no effect"
            reason = f"pad=1 takes size // 2, which is {layer.around}"
            yield node.index, Complaint(message, key="padding", reason=reason)


def covers_map(graph: Graph) -> Iterator[LayerComplaint]:
    """A pool of which many cells see their whole map, at the smallest size that training draws."""
    size = smallest_size(graph)
    shapes = shapes_at(graph, *size)
    for node in graph if shapes else ():
        if shapes and node.layer.window_sizes:
            source = node.inputs[0]
            map_ = shapes[source] if source >= 0 else Shape(1, *size)
            if complaint := _covering(node, map_, size, graph):
                yield node.index, complaint


def _covering(node: Node, map_: Shape, size: tuple[int, int], graph: Graph) -> Complaint | None:
    """The complaint about a pool, which reads a map of this shape at an input of this size.

    Where few cells see all of the map, as in the middle of a pyramid's largest window, the pool works as it
    is meant to.
    """
    shares = {side: _share(side, map_) for side in sorted(node.layer.window_sizes) if side > 1}
    wide = {side: share for side, share in shares.items() if share > MANY}
    if not wide:
        return None
    share = max(wide.values())
    sees = "every cell sees" if share == 1 else f"{share:.0%} of its cells, those at the middle, see"
    drawn = f"an input of {size[0]} x {size[1]}"
    if size != (graph.net.height, graph.net.width):
        drawn += ", which training draws"
    numbers = ", ".join(map(str, wide))
    windows = f"windows of {numbers} cover" if len(wide) > 1 else f"a window of {numbers} covers"
    message = f"{windows} the entire map of {map_.height} x {map_.width}"
    return Complaint(message, key=node.layer.window_key, reason=f"at {drawn}, {sees} all of it")


def _share(side: int, map_: Shape) -> float:
    """The share of cells whose window of that size, moved by one cell, holds the complete map."""
    rows, columns = (min(cells, max(0, side - cells + 1)) for cells in (map_.height, map_.width))
    return rows * columns / map_.cells


def bad_sizes(graph: Graph) -> Iterator[LayerComplaint]:
    """Multi-scale training that draws a size at which the maps do not fit."""
    height, width = smallest_size(graph)
    if shapes_at(graph, height, width) is None:
        message = f"at {height} x {width}, the smallest size that training draws, the maps do not fit"
        reason = f"resize_step={graph.net.resize_step} should be a multiple of the network's stride"
        yield NET, Complaint(message, key="resize_step", reason=reason)


def _convolutions(graph: Graph) -> Iterator[tuple[Node, Convolutional]]:
    return ((node, node.layer) for node in graph if isinstance(node.layer, Convolutional))


MAP_GROWS = GraphRule(
    "map-grows",
    "warning",
    "an even kernel that moves the size of its map by one",
    "With `pad=1` a kernel of even size gets `size / 2` zeros on each side, one row and one column more "
    "than keep the map's size. Such a map does not fit one that was padded otherwise. Use an odd `size`.",
    map_grows,
)
RULES: tuple[GraphRule, ...] = (
    MAP_GROWS,
    GraphRule(
        "large-kernel",
        "warning",
        "a kernel larger than its map",
        "Some taps of the kernel read zeros around the map at every position: they cost parameters and learn "
        "nothing. "
        "Use a smaller `size` or `dilation`, or a larger input.",
        large_kernel,
    ),
    GraphRule(
        "no-effect",
        "warning",
        "a key that another key of its section overrides",
        "`padding` is replaced by `size / 2` where `pad=1`, and a kernel of one tap has nothing to dilate."
        " Delete the key, or the one that overrides it.",
        no_effect,
    ),
    GraphRule(
        "covers-map",
        "warning",
        "a pool as large as its whole map, at a size that training draws",
        "At the smallest input size of multi-scale training, more than a quarter of the pool's cells see "
        "the complete map, so that the pool works as a global one there. `darknet-py reach` lists how much "
        "of its map each pool covers at each size. Use a smaller window, a larger input, or `adaptive=1` "
        "where a global pool is meant.",
        covers_map,
    ),
    GraphRule(
        "bad-sizes",
        "warning",
        "multi-scale training draws a size at which the maps do not fit",
        "With `random` set in the last head, training changes the input size in steps of `resize_step`. At"
        " the smallest of these sizes two maps of the network no longer fit together. Make `resize_step` a"
        " multiple of the stride of the network, usually 32.",
        bad_sizes,
    ),
)
