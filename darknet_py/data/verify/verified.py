"""The image files that were verified before, remembered in a file: those that are unchanged are not read.

The file is a list of digests, each of a path, a size, a time of change and how the file was verified. It is
no more than a help: where it is damaged, missing or cannot be written, files are verified again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

from darknet_py.data.cache.cache import cache_folder
from darknet_py.files.atomic import publish_bytes

KEY_BYTES = 16
MOST = 1 << 20  # files that are remembered; a list of 16 MiB
WORTHWHILE = 500  # files: fewer are verified in the time that the list takes
VERSION = "verified images, 1\n"  # another one where other files are complete
HEAD = VERSION.encode()


class VerifiedImages:
    """The files that were verified, by this process and those before it."""

    def __init__(self, file: Path | None = None) -> None:
        """Read the list."""
        self.file = file or cache_folder() / "verified-images"
        self.known: dict[bytes, None] = {}
        self.added = 0
        with contextlib.suppress(OSError):
            data = self.file.read_bytes()[: len(HEAD) + MOST * KEY_BYTES]
            if data.startswith(HEAD):
                ends = range(len(HEAD) + KEY_BYTES, len(data) + 1, KEY_BYTES)
                self.known = dict.fromkeys(data[end - KEY_BYTES : end] for end in ends)

    def key(self, path: Path, method: object) -> bytes:
        """What a file is remembered by; nothing where there is no file.

        Args:
            method: how it is verified, and against what.
        """
        try:
            status = os.stat(path)
        except (OSError, ValueError):
            return b""
        facts = (os.path.abspath(path), status.st_size, status.st_mtime_ns, method)
        text = repr(facts).encode("utf-8", "surrogateescape")
        return hashlib.blake2b(text, digest_size=KEY_BYTES).digest()

    def add(self, key: bytes) -> None:
        """Remember a file."""
        self.known[key] = None
        self.added += 1

    def save(self) -> None:
        """Write the list, where it has grown; the first are forgotten where they are too many."""
        if not self.added:
            return
        with contextlib.suppress(OSError):
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            publish_bytes(self.file, HEAD + b"".join([*self.known][-MOST:]))
