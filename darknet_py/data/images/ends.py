"""Whether an image file is complete, by its last bytes: what a cut download or a full disk leaves is not.

| format | complete when                                                                    |
|--------|----------------------------------------------------------------------------------|
| JPEG   | the marker EOI stands behind the first scan (ITU-T T.81, annex B)                 |
| PNG    | the chunk IEND is there                                                           |
| WebP   | the file has the bytes that RIFF's header counts                                  |
| BMP    | the file has the bytes of its pixels, where these are not compressed              |

Decoders read none of what follows the end, so it may be followed by anything. Where the last bytes do not
show it, or the format is another one, only decoding can tell.
"""

from __future__ import annotations

import os
import struct
from typing import IO

TAIL = 1 << 16  # bytes that the end is looked for in
IEND = b"IEND\xaeB`\x82"  # the type of PNG's last chunk and its checksum
_EOI, _SCAN, _FILL = b"\xff\xd9", 0xDA, 0xFF
_ALONE = (0x01, *range(0xD0, 0xD9))  # JPEG markers without a length
_UNCOMPRESSED = (0, 3)  # BI_RGB and BI_BITFIELDS
_INFO_HEADER = 40  # bytes of a BMP header that has the fields below


def is_complete(file: IO[bytes], kind: str) -> bool:
    """Whether the end of a file shows that nothing is missing; False where only decoding can tell.

    Args:
        kind: the format of the file, in Pillow's words.
    """
    size = file.seek(0, os.SEEK_END)
    if kind in ("JPEG", "MPO"):
        start = _scan_start(file)
        return start > 0 and _EOI in _tail(file, size, start)
    if kind == "PNG":
        return IEND in _tail(file, size, 0)
    head = _read_at(file, 0, 54)
    if kind == "WEBP":
        return len(head) >= 8 and size >= 8 + struct.unpack_from("<I", head, 4)[0]
    if kind == "BMP":
        return len(head) == 54 and size >= _bmp_bytes(head) > 0
    return False


def _tail(file: IO[bytes], size: int, start: int) -> bytes:
    at = max(start, size - TAIL)
    return _read_at(file, at, size - at)


def _read_at(file: IO[bytes], at: int, count: int) -> bytes:
    file.seek(at)
    return file.read(count)


def _scan_start(file: IO[bytes]) -> int:
    """Where the first scan begins, behind thumbnails that have an EOI of their own; 0 where none is found."""
    at = 2
    while len(head := _read_at(file, at, 4)) == 4 and head[0] == _FILL:
        if head[1] == _SCAN:
            return at
        if head[1] == _FILL:
            at += 1
        else:
            at += 2 if head[1] in _ALONE else 2 + int.from_bytes(head[2:], "big")
    return 0


def _bmp_bytes(head: bytes) -> int:
    """The bytes up to the last pixel; 0 where pixels are compressed, or the header is an old one."""
    start, header, width, height, _, bits, compression = struct.unpack_from("<IIiiHHI", head, 10)
    if header < _INFO_HEADER or compression not in _UNCOMPRESSED:
        return 0
    return int(start + (width * bits + 31) // 32 * 4 * abs(height))
