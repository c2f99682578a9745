"""A live worker: each line that comes in is a turn; what it took, in seconds, goes out. Stands alone."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path


class Turns:
    """The two pipes to whoever measures; facts about the worker go out first, its peak memory in KiB last."""

    def __init__(self, **facts: object) -> None:
        self.out = open(sys.stdout.fileno(), "w", buffering=1, closefd=False)  # noqa: SIM115
        sys.stdout = sys.stderr  # what a library prints is no answer
        self.out.write(json.dumps(facts) + "\n")

    def mine(self) -> bool:
        """Wait for a turn; False when there will be none."""
        if sys.stdin.readline():
            return True
        status = Path("/proc/self/status").read_text()
        self.out.write(status.split("VmHWM:")[1].split()[0] + "\n")
        return False

    def took(self, seconds: float) -> None:
        """A turn is over."""
        self.out.write(f"{seconds}\n")


def serve(turn: Callable[[], object], **facts: object) -> None:
    """Work a turn whenever it is asked for."""
    turns = Turns(**facts)
    while turns.mine():
        start = time.perf_counter()
        turn()
        turns.took(time.perf_counter() - start)
