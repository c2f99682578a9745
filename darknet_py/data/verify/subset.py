"""A data set without some of its images; image ids and names stay those of the complete one."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np

from darknet_py.data.dataset import Dataset, Record
from darknet_py.data.formats.labelled.base import Labelled


class Subset(Dataset):
    """The images of a data set with boxes that are kept.

    Args:
        kept: their numbers, in ascending order.
        dropped: what is left out and why, with the number.
    """

    def __init__(self, complete: Dataset, kept: np.ndarray, dropped: dict[str, int]) -> None:
        """Take them over; nothing is read."""
        self.complete, self.kept, self.dropped = complete, kept, dropped
        self.names, self.category_ids = complete.names, complete.category_ids
        self.notes, self.adjusted = complete.notes, complete.adjusted

    def __len__(self) -> int:
        """Return the number of images that are kept."""
        return len(self.kept)

    def record(self, index: int) -> Record:
        """Return what the complete data set knows of an image."""
        return self.complete.record(int(self.kept[index]))

    def path(self, index: int) -> Path | None:
        """Return where an image is."""
        return self.complete.path(int(self.kept[index]))

    def pixels(self, index: int) -> np.ndarray:
        """Decode one image."""
        return self.complete.pixels(int(self.kept[index]))


class LabelledSubset(Labelled):
    """The images of a data set with labels that are kept; see `Subset`."""

    def __init__(self, complete: Labelled, kept: np.ndarray, dropped: dict[str, int]) -> None:
        """Take them over; nothing is read."""
        self.complete, self.kept, self.dropped = complete, kept, dropped
        self.names, self.category_ids = complete.names, complete.category_ids
        self.notes, self.adjusted = complete.notes, complete.adjusted
        self.labels = complete.labels[kept]

    def name(self, index: int) -> str:
        """Return what the source calls an image."""
        return self.complete.name(int(self.kept[index]))

    def size(self, index: int) -> tuple[int, int]:
        """Return height and width of an image in pixels."""
        return self.complete.size(int(self.kept[index]))

    def path(self, index: int) -> Path | None:
        """Return where an image is."""
        return self.complete.path(int(self.kept[index]))

    def pixels(self, index: int) -> np.ndarray:
        """Decode one image."""
        return self.complete.pixels(int(self.kept[index]))


def without(data: Dataset, left_out: Collection[int], reason: str) -> Dataset:
    """A data set without some images.

    Args:
        left_out: their numbers.
        reason: counted in `dropped`.
    """
    if not left_out:
        return data
    kept = np.setdiff1d(np.arange(len(data)), np.array(sorted(left_out)))
    dropped = {**data.dropped, reason: data.dropped.get(reason, 0) + len(left_out)}
    return LabelledSubset(data, kept, dropped) if isinstance(data, Labelled) else Subset(data, kept, dropped)
