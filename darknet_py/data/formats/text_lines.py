"""A text file in lines; what is wrong with its bytes is reported."""

from __future__ import annotations

import codecs
import os
import stat
from pathlib import Path

from darknet_py.data.findings import Findings
from darknet_py.errors import quoted

MOST_BYTES = 64 << 20  # a list of a million images has 40 MB


def read_text(file: Path, findings: Findings, *, most: int = MOST_BYTES, paths: bool = False) -> str | None:
    """Decode a file, and report a byte order mark, a NUL, and bytes that are not UTF-8.

    Args:
        paths: the text names files, whose names may have other bytes; these are kept, as `os.fsdecode` does.

    Returns: the text without a byte order mark, or None where it cannot be read.
    """
    raw = _read_bytes(file, findings, most=most)
    if raw is None:
        return None
    if raw.startswith(codecs.BOM_UTF8):
        findings.add("byte-order-mark", "begins with a byte order mark", file, 1, 1)
    try:
        text = raw.decode("utf-8-sig", errors="surrogateescape" if paths else "strict")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        findings.add("not-utf8", f"is not UTF-8 at byte {error.start}", file, line)
        return None
    if "\0" in text:
        at = text.index("\0")
        message = f"is not text: it has a NUL at character {at}"
        findings.add("not-text", message, file, text.count("\n", 0, at) + 1)
        return None
    return text


def _read_bytes(file: Path, findings: Findings, *, most: int) -> bytes | None:
    """Read a regular file of a bounded size, or report why not."""
    try:
        status = os.stat(file)
        if not stat.S_ISREG(status.st_mode):
            kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe or a device"
            findings.add("not-a-file", f"is {kind}", file)
        elif status.st_size > most:
            findings.add("too-large", f"has {status.st_size} bytes; at most {most} are read", file)
        else:
            return file.read_bytes()
    except FileNotFoundError:
        findings.add("missing-file", "does not exist", file)
    except (OSError, ValueError) as error:
        findings.add("unreadable", f"cannot be read: {quoted(getattr(error, 'strerror', error))}", file)
    return None


def numbered_lines(file: Path, findings: Findings, *, paths: bool = False) -> list[tuple[int, str]] | None:
    """Return the lines of a text file, blank ones too, counted from 1; CR LF is reported once and removed.

    Args:
        paths: see `read_text`.
    """
    text = read_text(file, findings, paths=paths)
    if text is None:
        return None
    if "\r\n" in text:
        line = text.count("\n", 0, text.index("\r\n")) + 1
        findings.add("carriage-returns", "has lines that end in CR LF", file, line)
        text = text.replace("\r\n", "\n")
    return list(enumerate(text.split("\n"), start=1))
