"""The base class of pyramids: several window pools of one kind on one map."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from darknet_py.arithmetic.cost import Cost
from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.diagnostics import Complaint, did_you_mean
from darknet_py.cfg.keys import key
from darknet_py.layers.base import Layer, layer_class
from darknet_py.layers.catalogue import CATALOGUE
from darknet_py.layers.onnx_form import onnx_of
from darknet_py.layers.pools.base import WindowPool

if TYPE_CHECKING:
    from torch import Tensor, nn

    from darknet_py.onnx_ops.nodes import Nodes


class Pyramid(Layer):
    """Several window pools of one kind on one map; a subclass implements `pools` by calling `branch`."""

    category = "pool"

    pool: str = key("max", doc="the window pool of each branch, by its section's name")

    def pools(self) -> tuple[WindowPool, ...]:
        """The branches, in the order of the output."""
        raise NotImplementedError(f"[{self.section}] does not implement `pools`")

    def branch(self, *, size: int = 1, adaptive: int = 0) -> WindowPool:
        """A pool with stride 1 and the default padding, and the defaults of its own keys."""
        cls = layer_class(self.pool)
        assert cls is not None
        assert issubclass(cls, WindowPool)
        return cls(stride=1, stride_x=1, stride_y=1, size=size, padding=size - 1, adaptive=adaptive)

    def check(self, *maps: Shape) -> Iterator[Complaint]:
        """The pool must be a window pool that supports the windows of the branches."""
        cls = layer_class(self.pool)
        if cls is not None and issubclass(cls, WindowPool):
            yield from (replace(complaint, key="pool") for complaint in self.pools()[0].check(*maps))
            return
        known = [name for name, one in CATALOGUE.items() if issubclass(one, WindowPool)]
        reason = f"expected a window pool: max, {', '.join(known)}"
        message, guess = f"pool={self.pool} is no window pool", did_you_mean(self.pool, known)
        yield Complaint(message, "pool", "unknown-value", reason, guess)

    def cost(self, *maps: Shape) -> Cost:
        """Each pool's."""
        return sum((pool.cost(*maps) for pool in self.pools()), Cost())

    def branches_onnx(self, nodes: Nodes, x: str) -> list[str]:
        """The outputs of the branches."""
        pools = enumerate(self.pools())
        return [onnx_of(pool, nodes.part(number, nodes.maps), x) for number, pool in pools]

    def array_shapes(self, *maps: Shape) -> Iterator[tuple[str, tuple[int, ...]]]:
        """As `arrays`."""
        for number, pool in enumerate(self.pools()):
            shapes = pool.array_shapes(*maps)
            yield from ((f"{name} of branch {number}", shape) for name, shape in shapes)

    def arrays(self, module: nn.Module) -> Iterator[tuple[str, Tensor]]:
        """Each pool's, in the order of the output."""
        from darknet_py.ops.pools.spp import Branches

        assert isinstance(module, Branches)
        for number, (pool, branch) in enumerate(zip(self.pools(), module.branches, strict=True)):
            yield from ((f"{name} of branch {number}", tensor) for name, tensor in pool.arrays(branch))
