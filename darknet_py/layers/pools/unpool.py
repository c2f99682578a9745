"""`[unpool]`: each value back where a max pool found it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from darknet_py.arithmetic.cost import Cost
from darknet_py.arithmetic.shape import Shape
from darknet_py.arithmetic.window import Window, bins, covering
from darknet_py.cfg.diagnostics import Complaint
from darknet_py.cfg.keys import key
from darknet_py.layers.base import absolute
from darknet_py.layers.inverse import InverseLayer
from darknet_py.layers.pools.maxpool import MaxPool

if TYPE_CHECKING:
    from torch import nn

    from darknet_py.onnx_ops.nodes import Nodes


class Unpool(InverseLayer, section="unpool"):
    """The map of the layer before, each value where the named `[maxpool]` found its maximum; zeros elsewhere.

    Zeiler and Fergus, "Visualizing and understanding convolutional networks", ECCV 2014, arXiv:1311.2901.
    The transpose of the pool's choice: a cell that is the maximum of several windows gets the sum of their
    values; of equal cells the first was chosen. The output has the shape that the pool reads, the positions
    have no gradient. A cell sees the values of the windows that cover it, and what the pool saw for them.

        [maxpool]
        size = 2
        stride = 2

        [unpool]
        from = -1
    """

    category = "pool"

    from_: int = key(name="from", doc="the [maxpool]: negative counts back from here", refers=True)

    def inputs(self, at: int) -> tuple[int, ...]:
        """The values and the pool; the map that the pool reads follows, as the two are paired."""
        return at - 1, absolute(self.from_, at)

    def check(self, *maps: Shape) -> Iterator[Complaint]:
        """The layer named must be a maximum over cells, the values one for each of its windows."""
        pool = self.inverse_of
        assert pool is not None
        if not isinstance(pool, MaxPool) or pool.maxpool_depth:
            what = f"[{pool.section}]" + " over channels" * isinstance(pool, MaxPool)
            yield Complaint(f"from={self.from_} is {what}; it must be a [maxpool] over cells", key="from")
        elif maps[0] != maps[1]:
            message = f"[unpool] gets a map of {maps[0]}; the pool it inverts outputs {maps[1]}"
            if maps[0].cells != maps[1].cells:
                yield Complaint(message, key="from", code="shapes-differ")
            else:
                yield Complaint(message, "filters", "shapes-differ", "", str(maps[1].channels), reads=0)

    def shape(self, *maps: Shape) -> Shape:
        """What the pool reads."""
        return maps[2]

    def window(self, *maps: Shape) -> Window:
        """The pool's windows that cover a cell, on the map that they put out."""
        pool, sides = self.pool, (maps[2].height, maps[2].width)
        if pool.adaptive:
            rows, columns = (bins(cells, pool.adaptive) for cells in sides)
            values = Window(rows, columns)
        else:
            pooled = pool.window(maps[2])
            values = Window(covering(pooled.rows), covering(pooled.columns))
        return replace(values, others=(values, Window()))

    def cost(self, *maps: Shape) -> Cost:
        """The pool's once more: its positions are found again."""
        return self.pool.cost(maps[2])

    def module(self, *maps: Shape) -> nn.Module:
        """torch's maximum with its indices, then a sum at those."""
        from darknet_py.ops.function import Function
        from darknet_py.ops.pools.unpool import unpooled

        return Function(partial(unpooled, grid=self.pool.grid()))

    @property
    def pool(self) -> MaxPool:
        """The pool that is inverted."""
        assert isinstance(self.inverse_of, MaxPool)
        return self.inverse_of

    def onnx(self, nodes: Nodes, *maps: str) -> str:
        """ONNX's maximum with its indices, then a sum at those."""
        from darknet_py.onnx_ops.pools.unpool import unpooled

        return unpooled(nodes, maps[0], maps[2], self.pool.windows())
