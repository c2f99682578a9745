"""Where decoded images are kept: what a store promises, and the lock that its processes share."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import numpy as np

KEY_BYTES = 16


class Store(ABC):
    """Decoded images by key, up to a limit. Processes that are forked from its own share it."""

    @abstractmethod
    def get(self, key: bytes) -> np.ndarray | None:
        """(H, W, 3) uint8 as it was put in, or None."""

    @abstractmethod
    def put(self, key: bytes, pixels: np.ndarray) -> None:
        """Keep an image if there is room for it."""


@contextmanager
def locked(file: IO[bytes]) -> Iterator[None]:
    """Hold a file against other processes.

    A record lock: the system lets go of it when its process ends, however it ends, so that a loader that is
    killed leaves nobody waiting. Windows has none, and forks no loaders either.
    """
    if os.name != "posix":
        yield
        return
    import fcntl

    fcntl.lockf(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.lockf(file, fcntl.LOCK_UN)
