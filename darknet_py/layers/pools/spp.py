"""`[spp]`: YOLO's spatial pyramid, several stride-1 pools of one map concatenated with the map itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from darknet_py.arithmetic.shape import Shape
from darknet_py.arithmetic.window import Window
from darknet_py.cfg.diagnostics import Complaint
from darknet_py.cfg.keys import key
from darknet_py.layers.base import Layer
from darknet_py.layers.composite import Composite
from darknet_py.layers.merging.route import Route
from darknet_py.layers.pools.base import WindowPool
from darknet_py.layers.pools.maxpool import MaxPool
from darknet_py.layers.pools.pyramid import Pyramid

if TYPE_CHECKING:
    from torch import nn

    from darknet_py.onnx_ops.nodes import Nodes


IN_DARKNET = ("maxpool", "local_avgpool")  # the window pools that Darknet has


class Spp(Pyramid, Composite, section="spp"):
    """The same map pooled with stride 1 by windows of several sizes, concatenated.

    The largest window comes first, the map itself last. The variant of yolov3-spp, where it is six sections:
    pools of 5, 9 and 13 and the route `-1,-3,-5,-6`. After He, Zhang, Ren and Sun, "Spatial pyramid pooling
    in deep convolutional networks for visual recognition", ECCV 2014, arXiv:1406.4729, whose own form, a grid
    of fixed length, is another layer. With a window larger than the map, every cell sees all of the map.

        [spp]
        sizes = 5,9,13
        pool = max
    """

    other_names = "spatial_pyramid_pooling sppf spp_block"

    window_key = "sizes"

    sizes: tuple[int, ...] = key(
        (5, 9, 13), at_least=1, at_most=8192, doc="sides of the windows", unit="cells"
    )

    def pools(self) -> tuple[WindowPool, ...]:
        """The largest window first."""
        return tuple(self.branch(size=size) for size in sorted(self.sizes, reverse=True))

    def shape(self, *maps: Shape) -> Shape:
        """Channels of every branch, and the map's own."""
        (source,) = maps
        pooled = sum(pool.shape(source).channels for pool in self.pools())
        return Shape(pooled + source.channels, source.height, source.width)

    def check(self, *maps: Shape) -> Iterator[Complaint]:
        """The sizes must be different."""
        yield from super().check(*maps)
        if len(set(self.sizes)) < len(self.sizes):
            message = "a size is repeated; it would give the same map again"
            yield Complaint(message, key="sizes", code="duplicate-value")

    @property
    def window_sizes(self) -> tuple[int, ...]:
        """The sizes of the branches."""
        return self.sizes

    def window(self, *maps: Shape) -> Window:
        """The largest branch's."""
        return self.pools()[0].window(*maps)

    def module(self, *maps: Shape) -> nn.Module:
        """The branches' own modules, concatenated; a maximum starts from the next smaller one."""
        from darknet_py.ops.pools.spp import ConcatWithInput, GrownConcatWithInput

        pools = self.pools()
        maxima = [pool for pool in pools if isinstance(pool, MaxPool)]
        if not maxima:
            return ConcatWithInput(pool.module(*maps) for pool in pools)
        grown = [pool.grown_from(known) or pool for pool, known in pairwise(maxima)]
        return GrownConcatWithInput(pool.module(*maps) for pool in (*grown, maxima[-1]))

    def onnx(self, nodes: Nodes, *maps: str) -> str:
        """The branches, concatenated; a maximum starts from the next smaller one."""
        from darknet_py.onnx_ops.map import concatenated
        from darknet_py.onnx_ops.pools.windows import maxima

        pools = self.pools()
        if not isinstance(pools[0], MaxPool):
            return concatenated(nodes, [*self.branches_onnx(nodes, maps[0]), maps[0]])
        return concatenated(nodes, [*maxima(nodes, maps[0], [pool.size for pool in pools]), maps[0]])

    def in_sections(self, *maps: Shape) -> tuple[str, ...]:
        """The pools by size, with routes to the map between them, and a route of all, as in yolov3-spp."""
        kind, sizes = self.pools()[0].section, sorted(self.sizes)
        if kind not in IN_DARKNET:
            return ()
        written = [f"{kind} size={sizes[0]} stride=1"]
        for number, size in enumerate(sizes[1:], start=1):
            written += [f"route layers=-{2 * number}", f"{kind} size={size} stride=1"]
        branches = [-1 - 2 * number for number in range(len(sizes))]
        return (*written, f"route layers={','.join(map(str, (*branches, -2 * len(sizes))))}")

    @classmethod
    def guess(cls, run: Sequence[Layer]) -> Spp | None:
        """Pools and routes in turn, up to the first route that has several maps."""
        ends = (at for at, layer in enumerate(run) if isinstance(layer, Route) and len(layer.layers) > 1)
        pools = [layer for layer in run[: next(ends, 0)] if isinstance(layer, WindowPool)]
        if not pools:
            return None
        kind, sizes = type(pools[0]), tuple(sorted(pool.size for pool in pools))
        return cls(sizes=sizes) if kind is MaxPool else cls(sizes=sizes, pool=kind.section)
