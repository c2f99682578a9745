"""A text file in lines, with what is odd about its bytes."""

from __future__ import annotations

import codecs
import os
import stat
from pathlib import Path

from darknet_py.data.check.findings import Findings
from darknet_py.errors import quoted


def raw_bytes(file: Path, findings: Findings, *, most: int) -> bytes | None:
    """Read a regular file of a bounded size, or note why not."""
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


def text_of(file: Path, findings: Findings, *, most: int) -> str | None:
    """Decode a file, and note a byte order mark, a NUL or bytes that are not UTF-8."""
    raw = raw_bytes(file, findings, most=most)
    if raw is None:
        return None
    if raw.startswith(codecs.BOM_UTF8):
        findings.add("byte-order-mark", "begins with a byte order mark", file, 1, 1)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        findings.add("not-utf8", f"is not UTF-8 at byte {error.start}", file, line)
        return None
    if "\0" in text:
        at = text.index("\0")
        findings.add("not-text", f"has a NUL at character {at}", file, text.count("\n", 0, at) + 1)
        return None
    return text


def lines_with_numbers(file: Path, findings: Findings, *, most: int) -> list[tuple[int, str]] | None:
    """The lines of a text file, blank ones too, from number 1; CR LF is noted once and taken off."""
    text = text_of(file, findings, most=most)
    if text is None:
        return None
    if "\r\n" in text:
        line = text.count("\n", 0, text.index("\r\n")) + 1
        findings.add("carriage-returns", "has lines that end in CR LF", file, line)
    return list(enumerate(text.replace("\r\n", "\n").split("\n"), start=1))
