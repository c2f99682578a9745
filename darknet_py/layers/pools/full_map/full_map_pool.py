"""The base class of pools that read the full map."""

from __future__ import annotations

from darknet_py.layers.full_map import FullMap


class FullMapPool(FullMap):
    """A pool with one output cell, which reads the full map."""

    category = "pool"
