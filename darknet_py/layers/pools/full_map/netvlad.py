"""`[netvlad]`: residuals to learned centres, summed over the map."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from darknet_py.arithmetic.cost import Cost
from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.keys import key
from darknet_py.layers.pools.full_map.full_map_pool import FullMapPool

if TYPE_CHECKING:
    from torch import Tensor, nn

    from darknet_py.onnx_ops.nodes import Nodes


class NetVlad(FullMapPool, section="netvlad"):
    """V(k) = sum over cells of a_k(x) (x - c_k), with the soft assignment a = softmax(W x + b) to K centres.

    Arandjelovic, Gronat, Torii, Pajdla and Sivic, "NetVLAD: CNN architecture for weakly supervised place
    recognition", CVPR 2016, arXiv:1511.07247. Each V(k) is normalised to length 1, then all of them together;
    the output is V(1), V(2), ..., D numbers each. W = 2 alpha c and b = -alpha |c|² at first, with centres of
    length 1 in random directions; centres are not drawn from data here, and alpha is a key. `.weights` has W
    (K x D), b (K) and c (K x D).

        [netvlad]
        clusters = 64
    """

    clusters: int = key(64, at_least=1, at_most=65536, doc="centres, K")
    normalize_input: bool = key(True, doc="bring the channels of each cell to length 1 before")
    alpha: float = key(100.0, above=0, doc="how sharply cells are assigned at first")

    def shape(self, *maps: Shape) -> Shape:
        """A residual of D numbers for each centre."""
        return Shape(self.clusters * maps[0].channels, 1, 1)

    def cost(self, *maps: Shape) -> Cost:
        """The products of the assignment, and of the sum of residuals."""
        numbers = self.clusters * maps[0].channels
        weights = 2 * numbers + self.clusters
        return Cost(weights, weights, macs=2 * numbers * maps[0].cells)

    def module(self, *maps: Shape) -> nn.Module:
        """Two products of matrices."""
        from darknet_py.ops.pools.netvlad import Vlad

        return Vlad(self.clusters, maps[0].channels, alpha=self.alpha, normalize_input=self.normalize_input)

    def onnx(self, nodes: Nodes, *maps: str) -> str:
        """Two products of matrices."""
        from darknet_py.onnx_ops.pools.full_map import vlad

        return vlad(nodes, maps[0], normalize_input=self.normalize_input)

    def array_shapes(self, *maps: Shape) -> Iterator[tuple[str, tuple[int, ...]]]:
        """As `arrays`."""
        both = (self.clusters, maps[0].channels)
        yield from (("W", both), ("b", both[:1]), ("c", both))

    def arrays(self, module: nn.Module) -> Iterator[tuple[str, Tensor]]:
        """W, b and c."""
        from darknet_py.ops.pools.netvlad import Vlad

        assert isinstance(module, Vlad)
        yield from (("W", module.weight), ("b", module.bias), ("c", module.centres))
