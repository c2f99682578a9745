"""Warnings about windows and the maps under them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from darknet_py.arithmetic.shape import Shape
from darknet_py.arithmetic.sizes import smallest_side
from darknet_py.cfg.diagnostics import Complaint, Refused
from darknet_py.graph.graph import Graph, Node
from darknet_py.layers.heads.head import Head
from darknet_py.layers.merging.route import Route
from darknet_py.layers.parametric.convolutional import Convolutional
from darknet_py.layers.pools.base import WindowPool

LayerComplaint = tuple[int, Complaint]


def map_warnings(graph: Graph) -> Iterator[LayerComplaint]:
    """Everything of this file."""
    small, size = shapes_at(graph, *smallest_size(graph)), smallest_size(graph)
    for node in graph:
        if isinstance(node.layer, Convolutional):
            yield from (
                (node.index, c) for c in [*grown(node), *larger_kernel(node), *no_effect(graph, node)]
            )
        elif small:
            map_ = small[node.inputs[0]] if node.inputs[0] >= 0 else Shape(1, *size)
            yield from ((node.index, c) for c in covering(node, map_, size, graph))
    if small is None:
        yield -1, _unfit(graph, size)
    yield from ((node.index, c) for node in graph for c in one_too_far(graph, node))


def smallest_size(graph: Graph) -> tuple[int, int]:
    """Rows and columns of the smallest input that training draws: the last head's `random` decides."""
    head = graph[graph.heads[-1]].layer if graph.heads else None
    random, step = head.random if isinstance(head, Head) else 0.0, graph.net.resize_step
    return (
        smallest_side(graph.net.height, random, step),
        smallest_side(graph.net.width, random, step),
    )


def shapes_at(graph: Graph, height: int, width: int) -> list[Shape] | None:
    """The map of every layer for an input of another size; None where they do not fit."""
    image = replace(graph.image, height=height, width=width)
    shapes: list[Shape] = []
    try:
        for node in graph:
            shapes.append(node.layer.shape(*(shapes[i] if i >= 0 else image for i in node.inputs)))
    except Refused:
        return None
    return shapes


def _unfit(graph: Graph, size: tuple[int, int]) -> Complaint:
    message = f"at {size[0]} x {size[1]}, the smallest size that training draws, the maps do not fit"
    reason = f"resize_step={graph.net.resize_step} should be a multiple of the network's stride"
    return Complaint(message, key="resize_step", code="bad-sizes", reason=reason, severity="warning")


def grown(node: Node) -> Iterator[Complaint]:
    """An even kernel with size // 2 zeros around: one row and one column too many."""
    layer = node.layer
    assert isinstance(layer, Convolutional)
    rows, columns = -(-node.maps[0].height // layer.stride_y), -(-node.maps[0].width // layer.stride_x)
    if node.shape.height > rows and node.shape.width > columns:
        padded = f"size={layer.size} with padding {layer.around}"
        message = f"{padded} makes the map {node.shape.height} x {node.shape.width}, not {rows} x {columns}"
        reason = "an odd size with pad=1 keeps every cell in its place"
        yield Complaint(message, key="size", code="map-grows", reason=reason, severity="warning")


def larger_kernel(node: Node) -> Iterator[Complaint]:
    """A kernel of which some taps read zeros wherever it stands."""
    size, map_ = node.layer.window(*node.maps).rows.size, node.maps[0]
    if size > min(map_.height, map_.width):
        message = f"a kernel of {size} is larger than the map of {map_.height} x {map_.width}"
        reason = "its outer taps read zeros alone"
        yield Complaint(message, key="size", code="large-kernel", reason=reason, severity="warning")


def no_effect(graph: Graph, node: Node) -> Iterator[Complaint]:
    """Keys of a convolution that another one makes void."""
    layer = node.layer
    assert isinstance(layer, Convolutional)
    if layer.dilation != layer.spread:
        message, reason = f"dilation={layer.dilation} has no effect", "a kernel of size=1 has one tap"
        yield Complaint(message, key="dilation", code="no-effect", reason=reason, severity="warning")
    given = graph.document.sections[node.index + 1].first("padding")
    if layer.pad and given and layer.padding != layer.around:
        message = f"padding={layer.padding} has no effect"
        reason = f"pad=1 takes size // 2, which is {layer.around}"
        yield Complaint(message, key="padding", code="no-effect", reason=reason, severity="warning")


def covering(node: Node, map_: Shape, size: tuple[int, int], graph: Graph) -> Iterator[Complaint]:
    """A pool whose window is as large as the map, at the smallest size that training draws.

    One that reads twice the map, less one cell, sees all of it from every cell.
    """
    several = getattr(node.layer, "sizes", ())
    slides = several or (isinstance(node.layer, WindowPool) and not node.layer.adaptive)
    wide = [
        side
        for side in several or (getattr(node.layer, "size", 0),)
        if side >= max(map_.height, map_.width) and side > 1
    ]
    if not slides or not wide:
        return
    whole = max(wide) >= 2 * max(map_.height, map_.width) - 1
    sees = "every cell sees all of it" if whole else "cells at the middle see all of it"
    inputs = f"an input of {size[0]} x {size[1]}"
    drawn = inputs if size == (graph.net.height, graph.net.width) else f"{inputs}, which training draws"
    sizes = ", ".join(map(str, sorted(wide)))
    windows = f"windows of {sizes} cover" if len(wide) > 1 else f"a window of {sizes} covers"
    message = f"{windows} the whole map of {map_.height} x {map_.width}"
    key = "sizes" if several else "size"
    yield Complaint(message, key=key, code="covers-map", reason=f"at {drawn}, {sees}", severity="warning")


def one_too_far(graph: Graph, node: Node) -> Iterator[Complaint]:
    """A reference to the first layer of a smaller map: who counts [net] as layer 0 writes one too much."""
    if not isinstance(node.layer, Route):
        return
    for reference in node.layer.layers:
        if reference < 1 or reference + 1 >= node.index:
            continue
        target = graph[reference]
        if target.inputs == (reference - 1,) and target.shape.height < target.maps[0].height:
            message = f"layer {reference} is the first of its size; layer {reference - 1} is the last before"
            reason = "layers count from 0 after [net]; [net] itself has no number"
            yield Complaint(message, key="layers", code="counts-net", reason=reason, severity="warning")
