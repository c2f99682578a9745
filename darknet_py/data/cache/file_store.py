"""Decoded images in files, for this training and those that come after it.

A file is a head and the bytes of an image, nothing that could be run. A head or a sum that is not right, from
whatever cause, makes the file as good as absent: it is removed, and the image decoded again.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from darknet_py.data.cache.byte_files import ByteFiles
from darknet_py.data.cache.store import KEY_BYTES, Store

HEAD = struct.Struct(f"<8s{KEY_BYTES}sIIQ")  # magic, key, height, width, sum
MAGIC = b"dnpyrgb1"


class FileStore(ByteFiles, Store):
    """Images in a folder."""

    what = "images"

    def get(self, key: bytes) -> np.ndarray | None:
        """A copy."""
        return self.read(key, _image)

    def put(self, key: bytes, pixels: np.ndarray) -> None:
        """Publish a file, unless there is no room."""
        head = HEAD.pack(MAGIC, key, *pixels.shape[:2], _sum(pixels.reshape(-1)))
        self.write(key, [head, pixels.data])

    def __reduce__(self) -> tuple[type[FileStore], tuple[Path, int]]:
        """A process that is not forked opens the folder itself."""
        return FileStore, (self.folder, self.limit)


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
