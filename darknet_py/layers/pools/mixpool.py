"""`[mixpool]`: the maximum and the mean of each window together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from darknet_py.arithmetic.cost import Cost
from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.diagnostics import Complaint
from darknet_py.cfg.keys import key
from darknet_py.layers.pools.base import WindowPool
from darknet_py.layers.pools.laws import equals

if TYPE_CHECKING:
    from torch import Tensor, nn

    from darknet_py.onnx_ops.nodes import Nodes


class MixPool(WindowPool, section="mixpool"):
    """`add`: alpha max + (1 - alpha) mean. `cat`: the means, then the maxima, as channels.

    `random`: Yu, Wang, Chen and Wei, "Mixed pooling for convolutional neural networks", RSKT 2014. Training
    takes each window's maximum with chance alpha, else its mean; in evaluation we take the expected value,
    `add`.
    `gated`: Lee, Gallagher and Tu, "Generalizing pooling functions in convolutional neural networks: mixed,
    gated, and tree", AISTATS 2016, arXiv:1509.08985: alpha = sigmoid(w . window), cells outside count 0; the
    layer has one w, of size² weights, which starts at 0, where alpha is a half.

        [mixpool]
        size = 2
        stride = 2
    """

    mode: str = key("add", one_of=("add", "cat", "random", "gated"), doc="how the two come together")
    alpha: float = key(0.5, at_least=0, at_most=1, doc="share, or chance, of the maximum: add and random")

    laws = (equals("maxpool", alpha=1), equals("local_avgpool", alpha=0))

    def shape(self, *maps: Shape) -> Shape:
        """By the window; `cat` has twice the channels."""
        doubled = replace(maps[0], channels=maps[0].channels * (2 if self.mode == "cat" else 1))
        return super().shape(doubled)

    @property
    def channelwise(self) -> bool:
        """Not `cat`, which has twice the channels."""
        return self.mode != "cat"

    def check(self, *maps: Shape) -> Iterator[Complaint]:
        """A gate has one weight for each cell of a window, and bins differ in size."""
        if self.mode == "gated" and self.adaptive:
            yield Complaint("mode=gated has no adaptive form", key="adaptive", code="unsupported-key")
        yield from super().check(*maps)

    def cost(self, *maps: Shape) -> Cost:
        """Two pools, and the gate's products."""
        pool, weights = super().cost(*maps), self.size**2 if self.mode == "gated" else 0
        twice = pool if self.mode == "cat" else pool + pool  # the shape of `cat` counts both
        return twice + Cost(weights, weights, macs=weights * self.shape(*maps).floats)

    def module(self, *maps: Shape) -> nn.Module:
        """torch's two kernels, mixed."""
        from darknet_py.ops.pools.mixpool import MIXTURES

        return MIXTURES[self.mode](self.grid(), self.alpha)

    def onnx(self, nodes: Nodes, *maps: str) -> str:
        """ONNX's two pools, mixed."""
        from darknet_py.onnx_ops.pools.reduction import MIXTURES

        return MIXTURES[self.mode](nodes, maps[0], self.windows(), self.alpha)

    def array_shapes(self, *maps: Shape) -> Iterator[tuple[str, tuple[int, ...]]]:
        """As `arrays`."""
        if self.mode == "gated":
            yield "gate", (self.size, self.size)

    def arrays(self, module: nn.Module) -> Iterator[tuple[str, Tensor]]:
        """The gate's weights, row by row."""
        from darknet_py.ops.pools.mixpool import GatedPool

        if isinstance(module, GatedPool):
            yield "gate", module.gate
