"""`[normalization]`: local response normalisation, each number scaled down by its neighbours' strength."""

from __future__ import annotations

from typing import TYPE_CHECKING

from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.keys import key
from darknet_py.layers.base import Layer

if TYPE_CHECKING:
    from torch import nn

    from darknet_py.onnx_ops.nodes import Nodes


class Normalization(Layer, section="normalization", aliases=("lrn",)):
    """y_k = x_k (kappa + alpha * sum of x_j²) ^ -beta, over `size` neighbouring channels j around k.

    Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional neural networks",
    NIPS 2012, section 3.3. Channels beyond the first and the last do not exist; alpha is not divided by size.
    Darknet keeps a running sum that never adds channel size // 2 and subtracts it later: `sum = darknet`
    computes that; where it turns negative, and Darknet ends in NaN, kappa / 10 is the least.

        [normalization]
        size = 9
        alpha = .001
        beta = .75
        kappa = 1
    """

    other_names = "local_response_normalization localresponsenorm"

    size: int = key(5, at_least=1, at_most=8192, doc="channels that are summed", unit="channels")
    alpha: float = key(1e-4, at_least=0, doc="what the sum of squares is multiplied by")
    beta: float = key(0.75, at_least=0, doc="exponent")
    kappa: float = key(1.0, above=0, doc="what is added to the sum")
    sum: str = key(
        "window", one_of=("window", "darknet"), doc="the paper's sum of squares, or Darknet's running sum"
    )

    def module(self, *maps: Shape) -> nn.Module:
        """The sum over channels is a product with a banded matrix."""
        from darknet_py.ops.normalization import LocalResponse, window_of

        missing, channels = self.sum == "darknet", maps[0].channels
        band, cancels = window_of(channels, self.size, missing=missing), missing and channels > self.size
        return LocalResponse(band, alpha=self.alpha, beta=self.beta, kappa=self.kappa, cancels=cancels)

    def onnx(self, nodes: Nodes, *maps: str) -> str:
        """ONNX's own where it has the same sum, else a product with a banded matrix."""
        from darknet_py.onnx_ops.normalization import Response, local_response

        missing = self.sum == "darknet"
        return local_response(nodes, maps[0], Response(self.size, self.alpha, self.beta, self.kappa, missing))
