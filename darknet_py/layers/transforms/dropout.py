"""`[dropout]`: numbers zeroed at random in training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.keys import key
from darknet_py.layers.base import Layer

if TYPE_CHECKING:
    from torch import nn

    from darknet_py.onnx_ops.nodes import Nodes


class Dropout(Layer, section="dropout"):
    """Zeroes each number with `probability` in training and scales the rest up; nothing in evaluation.

    Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, "Dropout: a simple way to prevent neural
    networks from overfitting", JMLR 2014. Darknet modifies its input in place, so routes to it read
    zeros too; here they do not.

        [dropout]
        probability = .5
    """

    other_names = "drop dropout2d dropblock"

    probability: float = key(0.2, at_least=0, at_most=0.999, doc="share of the numbers that are zeroed")
    dropblock: int = key(
        0, doc="zero blocks of cells", ignored="only in Darknet's GPU code; numbers are zeroed one by one"
    )
    dropblock_size_rel: float = key(
        0.0, doc="side of the blocks, relative", ignored="unused without dropblock"
    )
    dropblock_size_abs: int = key(0, doc="side of the blocks", ignored="unused without dropblock")

    def module(self, *maps: Shape) -> nn.Module:
        """Keyed like every stochastic layer."""
        from darknet_py.ops.keyed import KeyedDropout

        return KeyedDropout(self.probability)

    def onnx(self, nodes: Nodes, *maps: str) -> str:
        """Nothing: numbers are zeroed in training alone."""
        return maps[0]
