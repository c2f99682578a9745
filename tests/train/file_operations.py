"""A shim around every operation on files that the package does, so that each can fail or be the last."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

Before = Callable[[str, Any], None]  # told the operation and what it is done to; it may raise
IN_OS = ("fsync", "open", "close", "truncate")
IN_PATH = ("open", "replace", "unlink", "mkdir", "touch")


class _File:
    """A file that tells of each write before it is done."""

    def __init__(self, file: Any, before: Before) -> None:
        self.file, self.before = file, before

    def write(self, data: Any) -> int:
        self.before("write", (self.file, data))
        return int(self.file.write(data))

    def flush(self) -> None:
        self.before("flush", self.file)
        self.file.flush()

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


@contextmanager
def watched(before: Before) -> Iterator[None]:
    """Have `before` called ahead of each operation."""

    def telling(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **keys: Any) -> Any:
            before(name, args)
            return real(*args, **keys)

        return call

    def opening(path: Path, mode: str = "r", *args: Any, **keys: Any) -> Any:
        before("open", (path, mode))
        file = real_open(path, mode, *args, **keys)
        return _File(file, before) if set(mode) & set("wxa+") else file

    real_open = Path.open
    patches = [patch.object(os, name, telling(name, getattr(os, name))) for name in IN_OS]
    patches += [
        patch.object(Path, name, telling(name, getattr(Path, name))) for name in IN_PATH if name != "open"
    ]
    patches.append(patch.object(Path, "open", opening))
    for one in patches:
        one.start()
    try:
        yield
    finally:
        for one in patches:
            one.stop()


class Countdown:
    """Acts before the n-th operation, counted from 1; 0 only counts. A write is done by half before."""

    def __init__(self, at: int, act: Callable[[], object]) -> None:
        self.at, self.act, self.seen = at, act, []

    def __call__(self, name: str, on: Any) -> None:
        self.seen.append(name)
        if len(self.seen) == self.at:
            if name == "write":
                file, data = on
                file.write(bytes(data)[: len(data) // 2])
                file.flush()
            self.act()
