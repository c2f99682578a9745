"""Decoded images in files, for this training and those that come after it.

A file is a head and the bytes of an image, nothing that could be run. A head or a sum that is not right, from
whatever cause, makes the file as good as absent: it is removed, and the image decoded again.
"""

from __future__ import annotations

import contextlib
import logging
import os
import struct
import time
from pathlib import Path

import numpy as np

from darknet_py.data.cache.store import KEY_BYTES, Store, locked
from darknet_py.errors import UsageError
from darknet_py.files.atomic import TEMPORARY, publish_parts

HEAD = struct.Struct(f"<8s{KEY_BYTES}sIIQ")  # magic, key, height, width, sum
MAGIC = b"dnpyrgb1"
COUNTER = "bytes"  # the file that counts them, and is the lock
ABANDONED = 3600  # seconds after which an unfinished file has lost its writer
log = logging.getLogger(__name__)


class FileStore(Store):
    """Images in a folder, up to `limit` bytes, counted together by all who use the folder.

    When there is no room, files are removed that existed before this store and that nobody has read since,
    the longest unread first.
    """

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
        with locked(self.counter):
            self.old = sorted(_entries(folder), reverse=True)  # the longest unread last
            self._count(sum(size for _, size, _ in self.old))
        self._make_room(0)

    def get(self, key: bytes) -> np.ndarray | None:
        """A copy; a mapped file would end the process if somebody cut it."""
        path = self._path(key)
        try:
            data = np.fromfile(path, np.uint8)
        except OSError:
            return None
        pixels = _image(data, key)
        with contextlib.suppress(OSError):
            if pixels is None:
                self._remove(path)
            else:
                os.utime(path)
        return pixels

    def put(self, key: bytes, pixels: np.ndarray) -> None:
        """Publish a file. A disk that is full is reported once, and nothing more is put in."""
        path, size = self._path(key), HEAD.size + pixels.nbytes
        if path.exists() or not self._make_room(size):
            return
        head = HEAD.pack(MAGIC, key, *pixels.shape[:2], _sum(pixels.reshape(-1)))
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            publish_parts(path, [head, pixels.data], lasting=False)
        except OSError as error:
            self._take(-size)
            self.limit = 0
            log.warning("%s: warning: the cache takes no more images: %s", self.folder, error.strerror)

    def _path(self, key: bytes) -> Path:
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

    def __reduce__(self) -> tuple[type[FileStore], tuple[Path, int]]:
        """A process that is not forked opens the folder itself."""
        return FileStore, (self.folder, self.limit)


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


def _image(data: np.ndarray, key: bytes) -> np.ndarray | None:
    """The image in a file's bytes, or None where anything about it is wrong."""
    if len(data) < HEAD.size:
        return None
    magic, of, height, width, total = HEAD.unpack(data[: HEAD.size].tobytes())
    pixels = data[HEAD.size :]
    if (magic, of, 3 * height * width) != (MAGIC, key, len(pixels)) or _sum(pixels) != total:
        return None
    return pixels.reshape(height, width, 3)


def _sum(data: np.ndarray) -> int:
    """Of the bytes as 64-bit words: any change of one word shows, at the speed of memory."""
    end = len(data) // 8 * 8
    return (int(np.add.reduce(data[:end].view("<u8"))) + int(data[end:].sum())) % (1 << 64)
