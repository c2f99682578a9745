"""A folder that appears under its name when it is complete, or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from darknet_py.errors import UsageError


@contextmanager
def atomic_dir(out: Path) -> Iterator[Path]:
    """Yield an empty temporary folder, and rename it to `out` when the block ends without an error.

    Raises: UsageError: when `out` is there and is not an empty folder, or its parent is not there.
    """
    require_free(out)
    temporary = out.with_name(f".{os.urandom(8).hex()}.tmp")
    temporary.mkdir()
    try:
        yield temporary
        if out.exists():
            out.rmdir()
        temporary.rename(out)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def require_free(out: Path) -> None:
    """Refuse a name that is taken.

    Raises: UsageError: when `out` is there and is not an empty folder, or its parent is not there.
    """
    if out.is_symlink() or (out.exists() and not (out.is_dir() and not any(out.iterdir()))):
        raise UsageError("is there already", where=out, hint="name a folder that is not there, or is empty")
    if not out.parent.is_dir():
        raise UsageError("there is no such folder to write to", where=out.parent)
