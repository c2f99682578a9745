"""`[spp]`: YOLO's spatial pyramid, several stride-1 pools of one map set beside the map itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from darknet_py.arithmetic.cost import Cost
from darknet_py.arithmetic.shape import Shape
from darknet_py.arithmetic.window import Window
from darknet_py.cfg.diagnostics import Complaint, did_you_mean
from darknet_py.cfg.keys import key
from darknet_py.layers.base import CATALOGUE, Layer, layer_class
from darknet_py.layers.pools.base import WindowPool

if TYPE_CHECKING:
    from torch import nn


class Spp(Layer, section="spp"):
    """The same map pooled with stride 1 by windows of several sizes, concatenated.

    The largest window comes first, the map itself last. The variant of yolov3-spp, where it is six sections:
    pools of 5, 9 and 13 and the route `-1,-3,-5,-6`. After He, Zhang, Ren and Sun, "Spatial pyramid pooling
    in deep convolutional networks for visual recognition", ECCV 2014, arXiv:1406.4729, whose own form, a grid
    of fixed length, is another layer. A window larger than the map sees all of it in every cell.

        [spp]
        sizes = 5,9,13
        pool = max
    """

    sizes: tuple[int, ...] = key(
        (5, 9, 13), at_least=1, at_most=8192, doc="sides of the windows", unit="cells"
    )
    pool: str = key("max", doc="the window pool of each branch, by its section's name")

    def pools(self) -> tuple[WindowPool, ...]:
        """The branches, the largest window first."""
        cls = layer_class(self.pool)
        assert cls is not None
        assert issubclass(cls, WindowPool)
        sizes = sorted(self.sizes, reverse=True)
        return tuple(cls(stride=1, stride_x=1, stride_y=1, size=size, padding=size - 1) for size in sizes)

    def shape(self, *maps: Shape) -> Shape:
        """Channels times the number of branches and one."""
        (source,) = maps
        return Shape(source.channels * (len(self.sizes) + 1), source.height, source.width)

    def check(self, *maps: Shape) -> Iterator[Complaint]:
        """The pool must be a window pool, the sizes different."""
        cls = layer_class(self.pool)
        known = [name for name, one in CATALOGUE.items() if issubclass(one, WindowPool)]
        if cls is None or not issubclass(cls, WindowPool):
            reason = f"expected a window pool: max, {', '.join(known)}"
            yield Complaint(
                f"pool={self.pool} is no window pool",
                "pool",
                "unknown-value",
                reason,
                did_you_mean(self.pool, known),
            )
        if len(set(self.sizes)) < len(self.sizes):
            yield Complaint(
                "a size stands twice; it would be the same map again", key="sizes", code="duplicate-value"
            )

    def window(self, *maps: Shape) -> Window:
        """The largest branch's."""
        return self.pools()[0].window(*maps)

    def cost(self, *maps: Shape) -> Cost:
        """As its sections: each pool's."""
        return sum((pool.cost(*maps) for pool in self.pools()), Cost())

    def module(self, *maps: Shape) -> nn.Module:
        """The branches' own modules, concatenated."""
        from darknet_py.layers.pools.spp_modules import Pyramid

        return Pyramid(pool.module(*maps) for pool in self.pools())
