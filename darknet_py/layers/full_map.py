"""The base class of layers whose every output reads the full map."""

from __future__ import annotations

from darknet_py.arithmetic.shape import Shape
from darknet_py.arithmetic.window import Axis, Window
from darknet_py.layers.base import Layer


class FullMap(Layer):
    """A layer that outputs one cell, whatever the input's size."""

    def shape(self, *maps: Shape) -> Shape:
        """One cell."""
        return Shape(maps[0].channels, 1, 1)

    def window(self, *maps: Shape) -> Window:
        """The full map."""
        height, width = maps[0].height, maps[0].width
        return Window(Axis(height, height), Axis(width, width))
