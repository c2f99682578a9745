"""One process at a time in a run's folder."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from darknet_py.errors import UsageError

NAME = ".lock"
log = logging.getLogger(__name__)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock a folder for this process; it is created, and removed again where it stays empty.

    The system releases the lock when its process ends, however it ends, so the file of a run that was killed
    blocks no other. (A record lock: processes that load images do not inherit it.) Windows has none.

    Raises:
        UsageError: when another process holds it.
    """
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with _lock(folder / NAME):
            yield
    finally:
        with suppress(OSError):  # folders that are not empty stay
            for place in made:
                place.rmdir()


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    if os.name != "posix":
        yield
        return
    handle = _hold(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)  # while locked: a process that opened it before notices
        os.close(handle)


def _hold(path: Path) -> int:
    import fcntl

    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.stat().st_ino != os.fstat(handle).st_ino:
            raise BlockingIOError  # the lock of another process, which has just ended
    except (BlockingIOError, PermissionError, FileNotFoundError):
        os.close(handle)
        hint = "wait for it, stop it, or name another --out"
        raise UsageError("another process is training in this folder", where=path.parent, hint=hint) from None
    except OSError as error:  # a network file system without locks
        message = "%s: warning: cannot be locked (%s); let no other process train in this folder"
        log.warning(message, path.parent, error.strerror)
    return handle


def is_locked(folder: Path) -> bool:
    """Whether another process is training in the folder.

    A process that has locked the folder itself must not ask: it would release its lock.
    """
    path = folder / NAME
    if os.name != "posix" or not path.is_file():
        return False
    import fcntl

    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.lockf(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return True
    except OSError:  # a file system without locks
        return False
    finally:
        os.close(handle)
    return False
