"""Which image each process that loads is reading: the one that trains tells it where a loader dies of it."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


class Reading:
    """A place for each loader, shared with those that are forked from this process.

    Args:
        workers: how many there are.
    """

    def __init__(self, workers: int) -> None:
        memory = mmap.mmap(-1, 16 * workers)
        self.places = np.frombuffer(memory, np.int64).reshape(workers, 2)  # its process; the image, from 1

    @contextmanager
    def of(self, worker: int, index: int) -> Iterator[None]:
        """The time in which a loader reads an image; where the loader dies, what it wrote here stays."""
        self.places[worker] = os.getpid(), index + 1
        yield
        self.places[worker, 1] = 0

    def now(self) -> dict[int, int]:
        """The image that each process reads, or read when it ended."""
        return {process: image - 1 for process, image in self.places.tolist() if image}
