"""Layers that can be written as several of Darknet's sections."""

from __future__ import annotations

from collections.abc import Sequence

from darknet_py.arithmetic.shape import Shape
from darknet_py.layers.base import Layer


class Composite(Layer):
    """A layer that can be written as several of Darknet's sections, and recognised in them."""

    def in_sections(self, *maps: Shape) -> tuple[str, ...]:
        """The equivalent sections of Darknet, each as `name key=value ...`; empty if there are none.

        The first reads what this layer reads, the last has this layer's output; references among them count
        back.
        """
        return ()

    @classmethod
    def guess(cls, run: Sequence[Layer]) -> Composite | None:
        """The layer whose `in_sections` the run may begin with, for the caller to verify; or None."""
        return None
