"""`[iseg]`: the end of pjreddie's experiment in instance segmentation."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.diagnostics import Complaint
from darknet_py.cfg.keys import key
from darknet_py.layers.base import Layer

if TYPE_CHECKING:
    from torch import nn

    from darknet_py.onnx_ops.nodes import Nodes


class Iseg(Layer, section="iseg"):
    """A sigmoid of the class channels; the identity channels after them are unchanged.

    Only pjreddie's Darknet has it. Its loss, which makes the identities of one object similar, is not
    implemented.

        [iseg]
        classes = 1
        ids = 3
    """

    classes: int = key(20, at_least=1, at_most=100_000, doc="number of classes, a channel each")
    ids: int = key(32, at_least=0, at_most=100_000, doc="channels that identify an object")
    max: int = key(90, doc="most objects of an image", ignored="its loss is not implemented")

    def check(self, *maps: Shape) -> Iterator[Complaint]:
        """A channel for each class and each number of an identity."""
        needed = self.classes + self.ids
        if maps[0].channels != needed:
            yield Complaint(
                f"filters={maps[0].channels} should be {needed} = {self.classes} classes + {self.ids} ids",
                key="filters",
                code="bad-filters",
                suggestion=str(needed),
                reads=0,
            )

    def module(self, *maps: Shape) -> nn.Module:
        """A sigmoid of the first channels."""
        from darknet_py.ops.function import Function
        from darknet_py.ops.map import sigmoid_of_first

        return Function(partial(sigmoid_of_first, channels=self.classes))

    def onnx(self, nodes: Nodes, *maps: str) -> str:
        """A sigmoid of the first channels."""
        from darknet_py.onnx_ops.map import sigmoid_of_first

        return sigmoid_of_first(nodes, maps[0], self.classes)
