"""`[batchnorm]`: batch normalisation by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from darknet_py.arithmetic.cost import Cost
from darknet_py.arithmetic.shape import Shape
from darknet_py.layers.base import Layer

if TYPE_CHECKING:
    from torch import Tensor, nn

    from darknet_py.onnx_ops.nodes import Nodes


class BatchNorm(Layer, section="batchnorm"):
    """y = scale (x - mean) / sqrt(variance + 1e-5) + bias, channel by channel.

    Mean and variance are the batch's in training, the running ones in evaluation. Ioffe and Szegedy, "Batch
    normalization: accelerating deep network training by reducing internal covariate shift", ICML 2015,
    arXiv:1502.03167. As AlexeyAB's Darknet has it; pjreddie's has no biases here, and none in the file.

        [batchnorm]
    """

    other_names = "batch_normalize batch_norm batch_normalization bn batch_norm2d"

    def cost(self, *maps: Shape) -> Cost:
        """Four arrays, two of them learned."""
        return Cost(4 * maps[0].channels, 2 * maps[0].channels)

    def module(self, *maps: Shape) -> nn.Module:
        """torch's, with Darknet's constants."""
        from darknet_py.ops.block import batch_norm

        return batch_norm(maps[0].channels)

    def onnx(self, nodes: Nodes, *maps: str) -> str:
        """ONNX's own."""
        names = ("scales", "biases", "means", "variances")
        arrays = (nodes.constant(nodes.arrays[name], name) for name in names)
        return nodes.add("BatchNormalization", maps[0], *arrays, epsilon=1e-5)

    def array_shapes(self, *maps: Shape) -> Iterator[tuple[str, tuple[int, ...]]]:
        """As `arrays`."""
        for name in ("biases", "scales", "means", "variances"):
            yield name, (maps[0].channels,)

    def arrays(self, module: nn.Module) -> Iterator[tuple[str, Tensor]]:
        """Biases, scales, means, variances."""
        from torch import nn

        from darknet_py.ops.block import norm_arrays

        assert isinstance(module, nn.BatchNorm2d)
        yield "biases", module.bias
        yield from norm_arrays(module)
