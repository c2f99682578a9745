"""Untrusted archives, zip and tar: every member is checked before the first is written."""

from __future__ import annotations

import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from darknet_py.errors import DataError, quoted
from darknet_py.progress import Progress

MOST_MEMBERS = 1_000_000  # COCO's train2017 has 118,288
MOST_BYTES = 200 << 30
MOST_RATIO = 200  # of what comes out to what is there; JSON shrinks 20 times
RATIO_FROM = 64 << 20  # of what comes out; below, no ratio does harm
BLOCK = 1 << 20


@dataclass(frozen=True)
class Member:
    """One entry of an archive; `open` gives its bytes."""

    name: str
    size: int
    folder: bool
    open: Callable[[], IO[bytes]]


def unpack(archive: Path, folder: Path, *, progress: Progress) -> None:
    """Unpack an archive into an empty folder.

    Raises: DataError: for an archive that is damaged, too large, or has members that could end up elsewhere;
        of the last two, nothing is written.
    """
    try:
        with _members(archive) as members:
            _require_harmless(archive, members)
            total = sum(member.size for member in members)
            free = shutil.disk_usage(folder).free
            if total > free:
                raise DataError(f"unpacks to {total} bytes, and {free} are free", where=archive)
            done = 0
            for member in members:
                _write(archive, member, folder)
                done += member.size
                progress(done, total)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, NotImplementedError) as error:
        raise DataError(f"is a damaged archive: {quoted(error)}", where=archive) from None


@contextmanager
def _members(archive: Path) -> Iterator[list[Member]]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed:
            yield [_of_zip(archive, packed, info) for info in packed.infolist()]
    elif tarfile.is_tarfile(archive):
        with tarfile.open(archive) as packed:
            yield [_of_tar(archive, packed, info) for info in _bounded(archive, packed)]
    else:
        raise DataError("is neither zip nor tar", where=archive)


def _bounded(archive: Path, packed: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """The members of a tar; it has no index, so that they are counted on the way."""
    total = 0
    for number, info in enumerate(packed, start=1):
        total += info.size
        _require_bounds(archive, number, total)
        yield info


def _of_zip(archive: Path, packed: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise DataError(f"holds a link or a device, `{quoted(info.filename)}`", where=archive)
    if info.flag_bits & 1:
        raise DataError(f"holds an encrypted member, `{quoted(info.filename)}`", where=archive)
    return Member(info.orig_filename, info.file_size, info.is_dir(), lambda: packed.open(info))


def _of_tar(archive: Path, packed: tarfile.TarFile, info: tarfile.TarInfo) -> Member:
    if not (info.isreg() or info.isdir()):
        raise DataError(f"holds a link or a device, `{quoted(info.name)}`", where=archive)

    def opened() -> Any:
        return packed.extractfile(info)

    return Member(info.name, info.size, info.isdir(), opened)


def _require_harmless(archive: Path, members: list[Member]) -> None:
    _require_bounds(archive, len(members), sum(member.size for member in members))
    met: set[str] = set()
    for member in members:
        name = member.name.removesuffix("/").removeprefix("./")
        steps = name.split("/")
        if {"", ".", ".."} & set(steps) and not (member.folder and name == "."):
            raise DataError(f"has a member that leaves the folder, `{quoted(member.name)}`", where=archive)
        if not name.isprintable() or "\\" in name or ":" in name:
            raise DataError(f"has a member of a strange name, `{quoted(member.name)}`", where=archive)
        if name in met:
            raise DataError(f"has the member `{quoted(name)}` twice", where=archive)
        met.add(name)


def _require_bounds(archive: Path, number: int, total: int) -> None:
    packed = archive.stat().st_size
    if number > MOST_MEMBERS:
        raise DataError(f"has more than the {MOST_MEMBERS} members that are unpacked", where=archive)
    if total > MOST_BYTES or (total > RATIO_FROM and total > MOST_RATIO * packed):
        raise DataError(f"of {packed} bytes would unpack to {total} or more", where=archive)


def _write(archive: Path, member: Member, folder: Path) -> None:
    place = folder / member.name
    if member.folder:
        place.mkdir(parents=True, exist_ok=True)
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    left = member.size
    with member.open() as source, place.open("xb") as file:
        while block := source.read(BLOCK):
            left -= len(block)
            if left < 0:
                break
            file.write(block)
    if left:
        raise DataError(f"has another size of `{quoted(member.name)}` than it states", where=archive)
