"""Layers that invert an earlier one."""

from __future__ import annotations

from darknet_py.layers.base import Layer


class InverseLayer(Layer):
    """A layer that inverts an earlier one, the last of its `inputs`.

    It is paired with that layer: it also reads what the earlier layer reads, and `inverse_of` is the earlier
    declaration. Whatever the earlier layer selected is computed again from its own input, so that no state is
    passed between modules.
    """

    inverse_of: Layer | None = None

    def pair(self, at: int) -> int | None:
        """The last of its inputs."""
        return self.inputs(at)[-1]

    def paired_with(self, other: Layer) -> Layer:
        """This layer as the inverse of the other."""
        return self.with_values(inverse_of=other)
