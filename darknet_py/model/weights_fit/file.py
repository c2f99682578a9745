"""A weights file with its header read, and its floats where they are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from darknet_py.model.weights_fit.values import Floats


@dataclass(frozen=True)
class WeightsFile:
    """A file with its header read.

    Args:
        size: in bytes.
        header: bytes of the header, by the version in it.
    """

    path: Path
    size: int
    header: int

    @property
    def floats(self) -> int:
        """Complete floats after the header."""
        return (self.size - self.header) // 4

    def values(self, *, header: int = 0) -> Floats:
        """The floats, mapped; with another header they begin elsewhere."""
        start = header or self.header
        count = (self.size - start) // 4
        if count < 1:
            return np.empty(0, np.float32)
        return np.memmap(self.path, "<f4", "r", offset=start, shape=(count,))
