"""`[bilinear]`: the products of every two channels, averaged over the map."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from darknet_py.arithmetic.cost import Cost
from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.diagnostics import Complaint, Refused
from darknet_py.cfg.keys import key
from darknet_py.layers.base import absolute
from darknet_py.layers.pools.full_map.full_map_pool import FullMapPool

if TYPE_CHECKING:
    from torch import nn

    from darknet_py.onnx_ops.nodes import Nodes


class Bilinear(FullMapPool, section="bilinear"):
    """Outer products of two maps' cells averaged, then sign(x) sqrt(|x| + eps), then length 1.

    Lin, RoyChowdhury and Maji, "Bilinear CNN models for fine-grained visual recognition", ICCV 2015,
    arXiv:1504.07889. Number i * D2 + j of the output is of channel i of the layer before, which has D1, and
    channel j of `from`, which has D2. The epsilon bounds the slope of the root at 0; 0 itself stays 0.

        [bilinear]
        from = -2
    """

    from_: int = key(
        -1, name="from", doc="the other map; by default the layer before, with itself", refers=True
    )
    sqrt_eps: float = key(1e-5, above=0, doc="added under the square root")

    def inputs(self, at: int) -> tuple[int, ...]:
        """The layer before, and the one named where it is another."""
        return tuple(dict.fromkeys((at - 1, absolute(self.from_, at))))

    def shape(self, *maps: Shape) -> Shape:
        """A number for every two channels; the maps must have the same cells."""
        first, second = maps[0], maps[-1]
        if (first.height, first.width) != (second.height, second.width):
            message = f"maps of {first} and {second} have no cells in common"
            raise Refused(Complaint(message, key="from", code="shapes-differ"))
        return Shape(first.channels * second.channels, 1, 1)

    def cost(self, *maps: Shape) -> Cost:
        """One product of matrices."""
        return Cost(macs=self.shape(*maps).channels * maps[0].cells)

    def module(self, *maps: Shape) -> nn.Module:
        """A product of matrices, and the two normalisations."""
        from darknet_py.ops.function import Function
        from darknet_py.ops.pools.bilinear import bilinear

        return Function(partial(bilinear, eps=self.sqrt_eps))

    def onnx(self, nodes: Nodes, *maps: str) -> str:
        """A product of matrices, and the two normalisations."""
        from darknet_py.onnx_ops.pools.full_map import bilinear

        return bilinear(nodes, maps, self.sqrt_eps)
