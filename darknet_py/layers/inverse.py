"""Layers that undo an earlier one."""

from __future__ import annotations

from darknet_py.layers.base import Layer


class InverseLayer(Layer):
    """A layer that undoes an earlier one, the last of its `inputs`.

    `compile` ties the two: it sets `undone` to that layer's declaration, and adds what that layer reads to
    what this one reads. So whatever the earlier layer chose is found again from its own input: no state is
    kept between modules, and the maps live as long as a reader needs them.
    """

    undone: Layer | None = None
