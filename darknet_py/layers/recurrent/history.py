"""`[history]`: the maps of the last frames."""

from __future__ import annotations

from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.keys import key
from darknet_py.layers.not_executable import NotExecutable


class History(NotExecutable, section="history"):
    """The map and those of the frames before it, the newest first, along channels.

    [history]
    history_size = 4
    """

    why = "it depends on earlier frames, and images here have no order"

    history_size: int = key(4, at_least=1, at_most=1024, doc="frames")

    def shape(self, *maps: Shape) -> Shape:
        """`history_size` times the channels."""
        return Shape(maps[0].channels * self.history_size, maps[0].height, maps[0].width)
