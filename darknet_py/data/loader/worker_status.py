"""Which image each loader process is reading: the training process names it where a loader dies."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


class WorkerStatus:
    """One row for each loader, in memory that is shared with the processes forked from this one.

    Args:
        workers: number of loaders.
    """

    def __init__(self, workers: int) -> None:
        memory = mmap.mmap(-1, 16 * workers)
        self.rows = np.frombuffer(memory, np.int64).reshape(workers, 2)  # process id; image, counted from 1

    @contextmanager
    def reads(self, worker: int, index: int) -> Iterator[None]:
        """Mark a loader as reading an image; where the loader dies, the mark stays."""
        self.rows[worker] = os.getpid(), index + 1
        yield
        self.rows[worker, 1] = 0

    def images(self) -> dict[int, int]:
        """The image that each process reads, or was reading when it ended."""
        return {process: image - 1 for process, image in self.rows.tolist() if image}
