"""The input sizes that multi-scale training draws, and the maps of a network at another input size."""

from __future__ import annotations

from dataclasses import replace

from darknet_py.arithmetic.shape import Shape
from darknet_py.arithmetic.sizes import smallest_side, training_sizes
from darknet_py.cfg.diagnostics import Refused
from darknet_py.graph.graph import Graph


def scale_range(graph: Graph) -> float:
    """`random` of the last head, which decides for the network; 0 without a head."""
    return graph.head_layers[-1].random if graph.heads else 0.0


def smallest_size(graph: Graph) -> tuple[int, int]:
    """Rows and columns of the smallest input that training draws."""
    random, step = scale_range(graph), graph.net.resize_step
    return smallest_side(graph.net.height, random, step), smallest_side(graph.net.width, random, step)


def input_sizes(graph: Graph) -> list[tuple[int, int]]:
    """Rows and columns of every input that training draws, ascending; without `random` the one of [net]."""
    return training_sizes(graph.net.height, graph.net.width, scale_range(graph), graph.net.resize_step)


def shapes_at(graph: Graph, height: int, width: int) -> list[Shape] | None:
    """The map of every layer for an input of another size; None where the maps do not fit."""
    if (height, width) == (graph.image.height, graph.image.width):
        return [node.shape for node in graph]
    image = replace(graph.image, height=height, width=width)
    shapes: list[Shape] = []
    try:
        for node in graph:
            shapes.append(node.layer.shape(*(shapes[i] if i >= 0 else image for i in node.inputs)))
    except Refused:
        return None
    return shapes
