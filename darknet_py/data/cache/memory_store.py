"""Decoded images in memory that all loaders of a training read and write.

A log: images are appended, never changed, moved or thrown out. An order that is drawn anew in every epoch
comes back to each image once an epoch, and then what came first is as good to keep as what came last, while
throwing out the oldest would throw out what comes next. The memory has no name, so it is gone with the last
process that maps it, also when all are killed.
"""

from __future__ import annotations

import mmap
import tempfile

import numpy as np

from darknet_py.data.cache.store import KEY_BYTES, Store, locked
from darknet_py.errors import UsageError

RECORD = np.dtype([("key", f"V{KEY_BYTES}"), ("start", "<u8"), ("height", "<u4"), ("width", "<u4")])
LEAST_BYTES = 2048  # of an image, on average: there are so many records; CIFAR's have 3072


class MemoryStore(Store):
    """Images up to `limit` bytes. Memory is taken as images come."""

    def __init__(self, limit: int) -> None:
        """Reserve the addresses.

        Raises: UsageError: when the system does not give them.
        """
        self.limit, count = limit, limit // LEAST_BYTES
        head = 16 + count * RECORD.itemsize
        try:
            self.memory = mmap.mmap(-1, head + limit)
        except (OSError, ValueError, OverflowError) as error:
            raise UsageError(
                f"a cache of {limit} bytes cannot be had: {error}", hint="--cache-gib N"
            ) from None
        self.lock = tempfile.TemporaryFile()  # noqa: SIM115  # as long as this lives
        self.taken = np.ndarray(2, "<u8", self.memory)  # records, and bytes of images
        self.records = np.ndarray(count, RECORD, self.memory, offset=16)
        self.pixels = np.ndarray(limit, np.uint8, self.memory, offset=head)
        self.known: dict[bytes, tuple[int, int, int]] = {}

    def get(self, key: bytes) -> np.ndarray | None:
        """The image itself, not a copy; not to be written into."""
        if key not in self.known and self.taken[0] != len(self.known):
            with locked(self.lock):
                self._read_new_records()
        found = self.known.get(key)
        if found is None:
            return None
        start, height, width = found
        pixels: np.ndarray = self.pixels[start : start + 3 * height * width].reshape(height, width, 3)
        pixels.flags.writeable = False
        return pixels

    def put(self, key: bytes, pixels: np.ndarray) -> None:
        """Reserve room first, and publish the image last: a process that dies in between loses the room."""
        if self.taken[1] + pixels.nbytes > self.limit:
            return
        with locked(self.lock):
            self._read_new_records()
            records, start = (int(number) for number in self.taken)
            if key in self.known or records == len(self.records) or start + pixels.nbytes > self.limit:
                return
            self.taken[1] += pixels.nbytes
        self.pixels[start : start + pixels.nbytes] = pixels.reshape(-1)
        with locked(self.lock):
            self._read_new_records()
            if key not in self.known and len(self.known) < len(self.records):
                self.records[len(self.known)] = (key, start, *pixels.shape[:2])
                self.taken[0] += 1

    def _read_new_records(self) -> None:
        """Read the records that others have added; the caller holds the lock."""
        for record in self.records[len(self.known) : int(self.taken[0])]:
            key, *place = record.tolist()
            self.known[key] = tuple(place)

    def __reduce__(self) -> tuple[type[MemoryStore], tuple[int]]:
        """A process that is not forked cannot see this memory: it gets a store without room."""
        return MemoryStore, (0,)
