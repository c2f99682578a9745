"""Writes a file so that it appears under its name when it is complete, or not at all."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable
from pathlib import Path

TEMPORARY = re.compile(r"\.[0-9a-f]{16}\.tmp")


def publish_bytes(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees the old one or the new one, whatever happens in between.

    Raises:  OSError: when the folder cannot be written; the file that was there is untouched.
    """
    publish_parts(path, [data])


def publish_parts(path: Path, parts: Iterable[bytes | memoryview], *, lasting: bool = True) -> None:
    """Write a file from its parts, one after the other, as `publish_bytes` does.

    The bytes go into a temporary file in the same folder, reach the disk, and are then renamed.

    Args:
        lasting: wait for the disk. Without, a loss of power may leave a file of that name with other content:
            for what its reader checks and can do without.

    Raises:  OSError: when the folder cannot be written; the file that was there is untouched.
    """
    temporary = path.with_name(f".{os.urandom(8).hex()}.tmp")
    try:
        with temporary.open("xb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            if lasting:
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError):
            error.filename = str(path)  # the name that the person knows
        raise
    if lasting:
        _sync_folder(path.parent)


def sweep(folder: Path) -> None:
    """Remove the temporary files of writers that were killed; nobody else may be writing in the folder."""
    for path in folder.iterdir():
        if TEMPORARY.fullmatch(path.name):
            path.unlink()


def _sync_folder(folder: Path) -> None:
    """Make the new name last through a loss of power; only POSIX can open a folder."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
