"""`[stochpool]`: one cell of each window, drawn with probability proportional to its activation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.keys import key
from darknet_py.layers.pools.base import WindowPool

if TYPE_CHECKING:
    from torch import nn

NEGATIVES = ("relu", "shift", "softmax", "abs")


class StochPool(WindowPool, section="stochpool"):
    """Training draws cell i with p_i = a_i / sum(a) and puts out its value; evaluation puts out sum(p_i a_i).

    Zeiler and Fergus, "Stochastic pooling for regularization of deep convolutional neural networks", ICLR
    2013, arXiv:1301.3557. The paper has no negative activations; `negatives` says what they weigh: `relu`
    nothing, `shift` a_i less the least cell of the window, `softmax` exp(a_i), `abs` |a_i|. Where nothing
    weighs anything, training draws any existing cell alike and evaluation takes their mean. Draws depend on
    the seed, the iteration, the layer and the sample alone.

        [stochpool]
        size = 2
        stride = 2
    """

    negatives: str = key("relu", one_of=NEGATIVES, doc="what a negative activation weighs")

    def module(self, *maps: Shape) -> nn.Module:
        """One uniform number per output cell and a running sum; no unfolding."""
        from darknet_py.ops.pools.stochpool import StochasticPool

        return StochasticPool(self.grid(), self.negatives)
