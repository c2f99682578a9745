"""Downloads by name: what is there already is left alone, what is not comes whole."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from darknet_py.data.download.download import Progress, digest_of, download
from darknet_py.data.download.sources import SOURCES, Remote, Source
from darknet_py.data.download.unpack import unpack
from darknet_py.errors import DataError, UsageError, quoted

Say = Callable[[str], None]


def source_of(name: str) -> Source:
    """Look a name up in the table.

    Raises: UsageError: when it is not there.
    """
    if name not in SOURCES:
        raise UsageError(f"`{quoted(name)}` is not in the table", hint=f"known are {', '.join(SOURCES)}")
    return SOURCES[name]


def fetch(
    source: Source,
    to: Path,
    *,
    say: Say,
    progress: Progress = lambda done, total: None,
    keep: bool = False,
    wait: Callable[[float], None] = time.sleep,
) -> list[Path]:
    """Bring all files of a source into a folder; archives are unpacked into the source's own.

    Args:
        say: told one line for each thing done, warnings too.
        keep: leave the archive where it is after unpacking.

    Returns: what there is now, one path for each file or archive.
    Raises: DataError, UsageError: when something is refused; what was complete stays.
    """
    if not to.is_dir():
        raise UsageError("there is no such folder to put it in", where=to)
    brought = []
    for remote in source.files:
        if remote.gives:
            home = to / source.folder
            home.mkdir(exist_ok=True)
            brought.append(_archive(remote, home, say, progress, keep=keep, wait=wait))
        else:
            brought.append(_file(remote, to / remote.file, say, progress, wait))
    return brought


def _file(remote: Remote, path: Path, say: Say, progress: Progress, wait: Callable[[float], None]) -> Path:
    if path.exists():
        digest = digest_of(path)
        if remote.sha256 not in ("", digest):
            raise DataError(f"is there already, and has the sha256 {digest}, not {remote.sha256}", where=path)
        say(f"{path}: there already{'' if remote.sha256 else '; its sha256 is ' + digest}")
        return path
    say(f"{path}: from {remote.address}")
    digest = download(remote, path, progress=progress, wait=wait)
    if remote.sha256:
        say(f"{path}: complete, and its sha256 is right")
    else:
        say(f"{path}: warning: complete, but no sha256 is known to compare; it has {digest}")
    return path


def _archive(
    remote: Remote, home: Path, say: Say, progress: Progress, *, keep: bool, wait: Callable[[float], None]
) -> Path:
    target = home / remote.gives
    if target.exists():
        say(f"{target}: there already")
        return target
    archive = _file(remote, home / remote.file, say, progress, wait)
    temporary = home / f".{secrets.token_hex(8)}.tmp"
    temporary.mkdir()
    try:
        unpack(archive, temporary, progress=progress)
        if not (temporary / remote.gives).exists():
            raise DataError(f"does not hold `{remote.gives}`", where=archive)
        (temporary / remote.gives).rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    if not keep:
        archive.unlink()
    say(f"{target}: unpacked")
    return target
