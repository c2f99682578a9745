"""`[softmax]`: probabilities of classes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from darknet_py.arithmetic.shape import Shape
from darknet_py.arithmetic.window import Everywhere, Window
from darknet_py.cfg.diagnostics import Complaint
from darknet_py.cfg.keys import key
from darknet_py.layers.base import Layer

if TYPE_CHECKING:
    from torch import nn

    from darknet_py.onnx_ops.nodes import Nodes


class Softmax(Layer, section="softmax", aliases=("soft",)):
    """exp(x / temperature) over its sum: within `groups` equal parts, or over channels at each cell.

    [softmax]
    groups = 1
    """

    groups: int = key(1, at_least=1, doc="parts that add up to 1 each")
    temperature: float = key(1.0, above=0, doc="large values flatten the distribution")
    spatial: bool = key(False, doc="over channels at each cell")
    noloss: bool = key(False, doc="no loss in training", ignored="the loss is that of the last softmax")
    tree: str = key("", doc="file of a class tree", not_executable="classes in a tree are not computed")

    def check(self, *maps: Shape) -> Iterator[Complaint]:
        """Groups must divide the map."""
        if maps[0].floats % self.groups:
            yield Complaint(
                f"groups={self.groups} does not divide {maps[0].floats} numbers",
                key="groups",
                code="bad-groups",
            )

    def window(self, *maps: Shape) -> Window:
        """One cell, or the full map for every cell."""
        if self.spatial:
            return Window()
        height, width = maps[0].height, maps[0].width
        return Window(Everywhere(height), Everywhere(width))

    def module(self, *maps: Shape) -> nn.Module:
        """torch's softmax on a reshaped map."""
        from darknet_py.ops.function import Function
        from darknet_py.ops.map import softmax_of_channels, softmax_of_parts

        if self.spatial:
            return Function(partial(softmax_of_channels, temperature=self.temperature))
        return Function(partial(softmax_of_parts, count=self.groups, temperature=self.temperature))

    def onnx(self, nodes: Nodes, *maps: str) -> str:
        """ONNX's softmax on a reshaped map."""
        from darknet_py.onnx_ops.vectors import over, softmax_of_parts

        if self.spatial:
            return nodes.add("Softmax", over(nodes, maps[0], self.temperature), axis=1)
        return softmax_of_parts(nodes, maps[0], self.groups, self.temperature)
