"""`[empty]`: a layer that does nothing."""

from __future__ import annotations

from darknet_py.layers.base import Layer


class Empty(Layer, section="empty", aliases=("silence",)):
    """Returns its input; it counts as a layer.

    [empty]
    """

    other_names = "identity noop pass"
