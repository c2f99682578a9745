"""Layers of ours that Darknet can say in sections of its own."""

from __future__ import annotations

from collections.abc import Sequence

from darknet_py.arithmetic.shape import Shape
from darknet_py.layers.base import Layer


class Composite(Layer):
    """A layer that may be written as several of Darknet's, and read back from them."""

    def in_sections(self, *maps: Shape) -> tuple[str, ...]:
        """Darknet's sections, each as `name key=value ...`; the last one puts out this layer's map.

        The first reads what this layer reads; references among them count back. Empty when Darknet has none.
        """
        return ()

    @classmethod
    def guess(cls, run: Sequence[Layer]) -> Composite | None:
        """The layer that the first of these layers may be when written out; its sections are compared."""
        return None
