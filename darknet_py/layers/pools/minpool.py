"""`[minpool]`: the least cell of each window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from darknet_py.arithmetic.shape import Shape
from darknet_py.layers.pools.base import WindowPool, hide

if TYPE_CHECKING:
    from torch import Tensor, nn

    from darknet_py.onnx_ops.nodes import Nodes


class MinPool(WindowPool, section="minpool"):
    """The least existing cell of each window: what is dark, or absent, spreads.

    Erosion of an image of greys: Serra, "Image analysis and mathematical morphology", Academic Press 1982.
    Of equal cells the first has the gradient, as with a maximum.

        [minpool]
        size = 2
        stride = 2
    """

    def reduce(self, cells: Tensor, inside: Tensor) -> Tensor:
        """A cell outside is never the least."""
        return -hide(-cells, inside).amax(dim=-1)

    def module(self, *maps: Shape) -> nn.Module:
        """The maximum of the negative, a part of the map at a time."""
        from darknet_py.ops.pools.minpool import WindowMinimum

        return WindowMinimum(self.grid())

    def onnx(self, nodes: Nodes, *maps: str) -> str:
        """The maximum of the negative."""
        from darknet_py.onnx_ops.pools.reduction import minimum

        return minimum(nodes, maps[0], self.windows())
