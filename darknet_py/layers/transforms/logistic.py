"""`[logistic]`: the output of a network with many yes-or-no labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from darknet_py.arithmetic.shape import Shape
from darknet_py.layers.base import Layer

if TYPE_CHECKING:
    from torch import nn

    from darknet_py.onnx_ops.nodes import Nodes


class Logistic(Layer, section="logistic"):
    """1 / (1 + exp(-x)) of every number. Only pjreddie's Darknet has it, and trains it by cross entropy.

    [logistic]
    """

    @property
    def channelwise(self) -> bool:
        """Yes."""
        return True

    def module(self, *maps: Shape) -> nn.Module:
        """A sigmoid."""
        from torch import nn

        return nn.Sigmoid()

    def onnx(self, nodes: Nodes, *maps: str) -> str:
        """A sigmoid."""
        return nodes.add("Sigmoid", maps[0])
