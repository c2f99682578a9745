"""What the fixture `cli` gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Outcome(NamedTuple):
    """A command that ended."""

    code: int
    out: str
    err: str

    def printed(self) -> str:
        """Standard output of a command that must succeed."""
        assert self.code == 0, self.err
        return self.out


Cli = Callable[..., Outcome]
