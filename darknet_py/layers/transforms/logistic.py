"""`[logistic]`: the end of a network that answers many questions by yes or no."""

from __future__ import annotations

from typing import TYPE_CHECKING

from darknet_py.arithmetic.shape import Shape
from darknet_py.layers.base import Layer

if TYPE_CHECKING:
    from torch import nn


class Logistic(Layer, section="logistic"):
    """1 / (1 + exp(-x)) of every number. pjreddie's Darknet alone has it, and trains by cross entropy here.

    [logistic]
    """

    def module(self, *maps: Shape) -> nn.Module:
        """A sigmoid."""
        from torch import nn

        return nn.Sigmoid()
