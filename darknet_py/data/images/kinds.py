"""Kinds of image files that are read, and the opening of a file, without a decoder."""

from __future__ import annotations

import os
import stat
from importlib.util import find_spec
from typing import IO

from darknet_py.errors import DataError, quoted

SUFFIXES_OF = {  # of each format, by Pillow's name for it
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png", ".apng"),
    "WEBP": (".webp",),
    "BMP": (".bmp",),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
    "GIF": (".gif",),
    "TIFF": (".tif", ".tiff"),
    "JPEG2000": (".jp2", ".j2k", ".jpf", ".jpx"),
} | ({"AVIF": (".avif",)} if find_spec("PIL._avif") else {})  # Pillow reads it from 11.3 on
FORMATS = tuple(SUFFIXES_OF)
SUFFIXES = tuple(suffix for suffixes in SUFFIXES_OF.values() for suffix in suffixes)
MOST_PIXELS = 64_000_000  # 192 MB of RGB; a photograph has 12 to 50 million


def regular_file(path: str | os.PathLike[str]) -> IO[bytes]:
    """Open a regular file of at least one byte; a pipe would block, a folder would raise something else."""
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe or a device"
            raise DataError(f"is {kind}, not an image file", where=path)
        if status.st_size == 0:
            raise DataError("is empty: 0 bytes", where=path)
        return open(path, "rb")
    except (OSError, ValueError) as error:
        raise DataError(f"cannot be read: {reason_of(error)}", where=path) from None


def reason_of(error: BaseException) -> str:
    """What an exception says, or its name."""
    return quoted(getattr(error, "strerror", None) or error or type(error).__name__)
