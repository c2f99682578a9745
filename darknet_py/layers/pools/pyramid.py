"""What the pyramids share: window pools of one kind, side by side on one map."""

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
from darknet_py.layers.pools.base import WindowPool

if TYPE_CHECKING:
    from torch import Tensor, nn


class Pyramid(Layer):
    """Several window pools of one kind on one map; a subclass writes `pools`, by `branch`."""

    pool: str = key("max", doc="the window pool of each branch, by its section's name")

    def pools(self) -> tuple[WindowPool, ...]:
        """The branches, in the order of the output."""
        raise NotImplementedError(f"[{self.section}] does not say which pools it has")

    def branch(self, *, size: int = 1, adaptive: int = 0) -> WindowPool:
        """One of them, with stride 1 and the default padding; its own keys as they are by default."""
        cls = layer_class(self.pool)
        assert cls is not None
        assert issubclass(cls, WindowPool)
        return cls(stride=1, stride_x=1, stride_y=1, size=size, padding=size - 1, adaptive=adaptive)

    def check(self, *maps: Shape) -> Iterator[Complaint]:
        """The pool must be a window pool, and have the form that the branches take."""
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

    def arrays(self, module: nn.Module) -> Iterator[Tensor]:
        """Each pool's, in the order of the output."""
        for pool, branch in zip(self.pools(), module.branches, strict=True):
            yield from pool.arrays(branch)
