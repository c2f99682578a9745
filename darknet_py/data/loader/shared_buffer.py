"""Shared memory that loader processes write batches into, and the training process copies them out of.

torch sends each batch in shared memory of its own. The system then finds and clears its pages anew, which
takes a tenth of the time of loading; and it is counted against /dev/shm, which containers keep small. This
memory is used again and again, and has no name: it is gone with the last process that maps it.
"""

from __future__ import annotations

import math
import mmap
from typing import NamedTuple

import numpy as np
import torch

from darknet_py.errors import UsageError


class BatchLocation(NamedTuple):
    """Where a batch lies: the number of the slot, the first byte in it, and (N, H, W, C)."""

    slot: int
    start: int
    shape: tuple[int, int, int, int]

    @property
    def end(self) -> int:
        """The first byte behind it."""
        return self.start + math.prod(self.shape)


class SharedBuffer:
    """Slots of the same size, shared with the processes that are forked from this one."""

    def __init__(self, slots: int, size: int) -> None:
        """Reserve the addresses; memory is taken when it is written to.

        Raises: UsageError: when the system does not grant them.
        """
        self.slots, self.size = slots, size
        try:
            self.memory = mmap.mmap(-1, slots * size)
        except (OSError, ValueError, OverflowError) as error:
            raise UsageError(
                f"no memory for the batches of the loaders: {error}", hint="fewer --workers"
            ) from None

    def at(self, location: BatchLocation) -> np.ndarray:
        """The images of a batch, as a view of the buffer."""
        assert location.end <= self.size
        offset = location.slot * self.size + location.start
        images: np.ndarray = np.ndarray(location.shape, np.uint8, self.memory, offset=offset)
        return images

    def copy_of(self, location: BatchLocation) -> torch.Tensor:
        """A copy of the images of a batch."""
        return torch.from_numpy(self.at(location).copy())
