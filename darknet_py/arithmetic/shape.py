"""The shape of a map."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    """Channels, rows and columns of one image's map.

    >>> Shape(255, 13, 13).cells
    169
    """

    channels: int
    height: int
    width: int

    @property
    def cells(self) -> int:
        """Rows times columns."""
        return self.height * self.width

    @property
    def floats(self) -> int:
        """Numbers in the map."""
        return self.channels * self.cells

    def __str__(self) -> str:
        return f"{self.channels} x {self.height} x {self.width}"
