"""`[empty]`: a layer that does nothing."""

from __future__ import annotations

from darknet_py.layers.base import Layer


class Empty(Layer, section="empty", aliases=("silence",)):
    """The map before, as it is; it takes a number among the layers.

    [empty]
    """
