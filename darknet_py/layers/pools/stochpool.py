"""`[stochpool]`: one cell of each window, sampled with probability proportional to its activation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.keys import key
from darknet_py.layers.pools.base import WindowPool

if TYPE_CHECKING:
    from torch import nn

    from darknet_py.onnx_ops.nodes import Nodes

NEGATIVES = ("relu", "shift", "softmax", "abs")


class StochPool(WindowPool, section="stochpool"):
    """Training samples cell i with p_i = a_i / sum(a) and returns its value; evaluation returns sum(p_i a_i).

    Zeiler and Fergus, "Stochastic pooling for regularization of deep convolutional neural networks", ICLR
    2013, arXiv:1301.3557. The paper has no negative activations; `negatives` defines their weight: `relu`
    0, `shift` a_i minus the minimum of the window, `softmax` exp(a_i), `abs` |a_i|. Where all weights are 0,
    training samples the cells with equal probability and evaluation takes their mean. Random numbers depend
    only on the seed, the iteration, the layer and the sample.

        [stochpool]
        size = 2
        stride = 2
    """

    negatives: str = key("relu", one_of=NEGATIVES, doc="the weight of a negative activation")

    def module(self, *maps: Shape) -> nn.Module:
        """One uniform number per output cell and a running sum, without unfolding."""
        from darknet_py.ops.pools.stochpool import StochasticPool

        return StochasticPool(self.grid(), self.negatives)

    def onnx(self, nodes: Nodes, *maps: str) -> str:
        """The expected value, of averages where the weights allow it."""
        from darknet_py.onnx_ops.pools.reduction import expected_cell

        return expected_cell(nodes, maps[0], self.windows(), self.negatives)
