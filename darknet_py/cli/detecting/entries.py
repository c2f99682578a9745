"""The JSON list of a run, on disk until it is complete: a million images take no more memory than one."""

from __future__ import annotations

import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from darknet_py.files.atomic import publish_parts
from darknet_py.files.json_text import json_text

COPIED = 1 << 20  # characters at once


class Entries:
    """The entries so far; they are printed or published as one list, as `print_json` does."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile("w+", encoding="ascii")  # noqa: SIM115 - `__exit__` closes it
        self._count = 0

    def __enter__(self) -> Entries:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, entry: dict[str, Any]) -> None:
        """Keep one more."""
        self._file.write(",\n" if self._count else "[\n")
        self._file.write(textwrap.indent(json_text(entry, indent=1), " "))
        self._count += 1

    def publish(self, path: Path | None) -> None:
        """Print the list, or publish it as a file."""
        if path:
            publish_parts(path, self._parts())
            return
        for part in self._parts():
            sys.stdout.write(part.decode("ascii"))

    def _parts(self) -> Iterator[bytes]:
        self._file.write("\n]\n" if self._count else "[]\n")
        self._file.seek(0)
        while part := self._file.read(COPIED):
            yield part.encode("ascii")
