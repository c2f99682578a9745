"""The header of a `.weights` file, and what a file is that has none."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import NamedTuple

from darknet_py.errors import WeightsError
from darknet_py.model.weights_fit.kinds import START, kind_of

VERSION = (0, 2, 5)  # as AlexeyAB's Darknet writes
NEWEST = 1000  # the largest number of a version; beyond it Darknet transposes connected weights


class Header(NamedTuple):
    """The header of a file.

    Args:
        version: major, minor, revision.
        seen: the number of images it was trained on.
    """

    version: tuple[int, int, int]
    seen: int

    @property
    def size(self) -> int:
        """Bytes: the count of images takes four of them in old files, eight since version 0.2."""
        return 16 if self._old else 20

    def pack(self) -> bytes:
        """Its bytes in a file."""
        return struct.pack("<iiiI" if self._old else "<iiiQ", *self.version, self.seen)

    @property
    def _old(self) -> bool:
        major, minor, _ = self.version
        return major * 10 + minor < 2


def first_bytes(path: Path) -> bytes:
    """The first bytes of a file, as many as `read_header` looks at.

    Raises: WeightsError: when there is no such file, or it cannot be read.
    """
    if not path.is_file():
        raise WeightsError("no such file" if not path.exists() else "is not a regular file", where=path)
    try:
        with path.open("rb") as file:
            return file.read(START)
    except OSError as error:
        raise WeightsError(f"cannot be read: {error.strerror}", where=path) from None


def read_header(data: bytes, path: Path) -> Header:
    """Read a header from the first bytes of a file.

    Raises: WeightsError: when they are not those of a `.weights` file.
    """
    if kind := kind_of(data, path):
        message = f"is not Darknet weights; it looks like {kind.what}"
        raise WeightsError(message, where=path, hint=kind.advice)
    if len(data) < 16:
        raise WeightsError(
            f"has {len(data)} bytes; the header alone needs 16 or 20", where=path, hint=_empty(data)
        )
    version = struct.unpack_from("<iii", data)
    if not _is_version(version):
        major, minor, revision = version
        message = f"is not Darknet weights: version {major}.{minor}.{revision} in its header, at byte 0"
        raise WeightsError(message, where=path, hint=_why_no_version(data))
    header = Header(version, *struct.unpack_from("<I", data, 12))
    if header.size == 16:
        return header
    if len(data) < 20:
        needs = f"the header of version {version[0]}.{version[1]} needs 20"
        raise WeightsError(f"has {len(data)} bytes; {needs}", where=path, hint=_empty(data))
    return Header(header.version, *struct.unpack_from("<Q", data, 12))


def _is_version(version: tuple[int, ...]) -> bool:
    return all(0 <= number <= NEWEST for number in version)


def _empty(data: bytes) -> str:
    what = "it is empty" if not data else "it ends inside its header"
    return f"{what}: copy or download it again"


def _why_no_version(data: bytes) -> str:
    if _is_version(struct.unpack_from(">iii", data)):
        return (
            "its numbers are stored with the highest byte first (big-endian); Darknet's have the lowest first"
        )
    major, minor, _ = struct.unpack_from("<iii", data)
    if major > NEWEST or minor > NEWEST:
        return (
            f"it is damaged; Darknet flags transposed weights by a version beyond {NEWEST}, which is not read"
        )
    return "it is damaged, or a file of another program"
