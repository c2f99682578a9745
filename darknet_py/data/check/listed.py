"""An image that a data set names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ListedImage:
    """An image that a data set names.

    Args:
        split: "train" or "val".
        file: that names it.
        written: the path as it stands there.
        place: finds line and column in that file; 0 where there are none.
        size: width and height that the file states, or None.
        root: a folder that it must lie in, or None.
    """

    path: Path
    split: str
    file: Path
    written: str
    place: Callable[[], tuple[int, int]] = lambda: (0, 0)
    size: tuple[int, int] | None = None
    root: Path | None = None
