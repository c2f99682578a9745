"""Entries of bytes in files of one folder, up to a limit, for this training and those that come after it."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from darknet_py.data.cache.store import locked
from darknet_py.errors import UsageError
from darknet_py.files.atomic import TEMPORARY, publish_parts

COUNTER = "bytes"  # the file that counts them, and is the lock
ABANDONED = 3600  # seconds after which an unfinished file has lost its writer
log = logging.getLogger(__name__)
T = TypeVar("T")


class ByteFiles:
    """Entries in a folder, up to `limit` bytes, counted together by all who use the folder.

    When there is no room, files are removed that existed before `begin` and that nobody has read since, the
    longest unread first.
    """

    what = "entries"  # in the warning of a disk that is full
    spared = 0  # bytes of the disk that are left to others

    def __init__(self, folder: Path, limit: int) -> None:
        """Count the files of the folder.

        Raises: UsageError: when the folder cannot be made or written.
        """
        self.folder, self.limit = folder, limit
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.counter = (folder / COUNTER).open("a+b", buffering=0)
        except OSError as error:
            raise UsageError(f"cannot be used as a cache: {error.strerror}", where=folder) from None
        self.begin()
        self._make_room(0)

    def begin(self) -> None:
        """Count the files; those that nobody reads from now on may be removed."""
        with locked(self.counter):
            self.old = sorted(_entries(self.folder), reverse=True)  # the longest unread last
            self._count(sum(size for _, size, _ in self.old))

    def read(self, key: bytes, parse: Callable[[np.ndarray, bytes], T | None]) -> T | None:
        """What a parser makes of an entry's bytes; one that it refuses is removed, and None.

        The bytes are a copy; a mapped file would end the process if somebody cut it.
        """
        path = self.path(key)
        try:
            data = np.fromfile(path, np.uint8)
        except OSError:
            return None
        found = parse(data, key)
        with contextlib.suppress(OSError):
            if found is None:
                self._remove(path)
            else:
                os.utime(path)
        return found

    def write(self, key: bytes, parts: Sequence[bytes | memoryview]) -> None:
        """Publish an entry. A disk that is full is reported once, and nothing more is put in."""
        path, size = self.path(key), sum(memoryview(part).nbytes for part in parts)
        if path.exists() or not self._make_room(size):
            return
        try:
            if self.spared and shutil.disk_usage(self.folder).free < self.spared + size:
                raise OSError(0, f"less than {self.spared / 1e9:.0f} GB of the disk are left")
            path.parent.mkdir(mode=0o700, exist_ok=True)
            publish_parts(path, parts, lasting=False)
        except OSError as error:
            self._take(-size)
            self.limit = 0
            log.warning("%s: warning: the cache takes no more %s: %s", self.folder, self.what, error.strerror)

    def path(self, key: bytes) -> Path:
        """The file of an entry, whether there is one or not."""
        return self.folder / key.hex()[:2] / key.hex()[2:]

    def _make_room(self, size: int) -> bool:
        """Take so many bytes of the limit, and remove old files where that needs it."""
        while not self._take(size):
            if not self.old or size > self.limit:
                return False
            read, _, path = self.old.pop()
            with contextlib.suppress(OSError):
                if path.stat().st_mtime_ns == read:
                    self._remove(path)
        return True

    def _remove(self, path: Path) -> None:
        size = path.stat().st_size
        path.unlink()
        self._take(-size)

    def _take(self, size: int) -> bool:
        with locked(self.counter):
            self.counter.seek(0)
            used = int.from_bytes(self.counter.read(8), "little") + size
            if size >= 0 and used > self.limit:
                return False
            self._count(used)
        return True

    def _count(self, used: int) -> None:
        self.counter.truncate(0)
        self.counter.write(max(0, used).to_bytes(8, "little"))


def _entries(folder: Path) -> list[tuple[int, int, Path]]:
    """List when each file was read last, its size and path; unfinished files of dead writers are removed."""
    found, now = [], time.time()
    for path in folder.glob("[0-9a-f][0-9a-f]/*"):
        with contextlib.suppress(OSError):
            status = path.stat()
            if not TEMPORARY.fullmatch(path.name):
                found.append((status.st_mtime_ns, status.st_size, path))
            elif now - status.st_mtime > ABANDONED:
                path.unlink()
    return found
