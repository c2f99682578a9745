"""Downloads by name: files that exist are kept, others appear when they are complete."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from darknet_py.data.download.download import download
from darknet_py.data.download.sources import SOURCES, Remote, Source
from darknet_py.data.download.unpack import unpack
from darknet_py.errors import DataError, UsageError, quoted
from darknet_py.files.digest import sha256_of
from darknet_py.progress import Progress, no_progress

PrintLine = Callable[[str], None]


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
    print_line: PrintLine,
    progress: Progress = no_progress,
    keep: bool = False,
    wait: Callable[[float], None] = time.sleep,
) -> list[Path]:
    """Download all files of a source into a folder; archives are unpacked into the source's own.

    Args:
        print_line: prints a line for each step, warnings too.
        keep: leave the archive where it is after unpacking.

    Returns: what there is now, one path for each file or archive.
    Raises: DataError, UsageError: when something is refused; what was complete stays.
    """
    if not to.is_dir():
        raise UsageError("there is no such folder to put it in", where=to)
    fetcher = _Fetcher(print_line, progress, wait, keep)
    paths = []
    for remote in source.files:
        if remote.gives:
            home = to / source.folder
            home.mkdir(exist_ok=True)
            paths.append(fetcher.archive(remote, home))
        else:
            paths.append(fetcher.file(remote, to / remote.file))
    return paths


@dataclass(frozen=True)
class _Fetcher:
    print_line: PrintLine
    progress: Progress
    wait: Callable[[float], None]
    keep: bool

    def file(self, remote: Remote, path: Path) -> Path:
        if path.exists():
            digest = sha256_of(path)
            if remote.sha256 not in ("", digest):
                message = f"is there already, and has the sha256 {digest}, not {remote.sha256}"
                raise DataError(message, where=path)
            self.print_line(f"{path}: there already{'' if remote.sha256 else '; its sha256 is ' + digest}")
            return path
        self.print_line(f"{path}: from {remote.address}")
        digest = download(remote, path, progress=self.progress, wait=self.wait)
        if remote.sha256:
            self.print_line(f"{path}: complete, and its sha256 is right")
        else:
            unknown = f"complete, but no sha256 is known to compare; it has {digest}"
            self.print_line(f"{path}: warning: {unknown}")
        return path

    def archive(self, remote: Remote, home: Path) -> Path:
        target = home / remote.gives
        if target.exists():
            self.print_line(f"{target}: there already")
            return target
        archive = self.file(remote, home / remote.file)
        temporary = home / f".{secrets.token_hex(8)}.tmp"
        temporary.mkdir()
        try:
            unpack(archive, temporary, progress=self.progress)
            if not (temporary / remote.gives).exists():
                raise DataError(f"does not hold `{remote.gives}`", where=archive)
            (temporary / remote.gives).rename(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        if not self.keep:
            archive.unlink()
        self.print_line(f"{target}: unpacked")
        return target
