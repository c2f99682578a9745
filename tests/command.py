"""What the fixture `cli` gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Outcome(NamedTuple):
    """A command that ended."""

    code: int
    out: str
    err: str


Cli = Callable[..., Outcome]
