"""How far work has come: the callback that trainings, evaluations, downloads and displays share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Progress(Protocol):
    """Called each time another piece of the work is done."""

    def __call__(self, done: int, total: int, facts: Mapping[str, float] = ..., /) -> None:
        """Take note.

        Args:
            done: pieces done so far.
            total: pieces in all, 0 where nobody knows; a change of it begins another part of the work.
            facts: of a training, after each iteration: `loss` (running mean), `learning_rate` and
                `images_per_second`; of a detection the last alone.
        """


def no_progress(done: int, total: int, facts: Mapping[str, float] | None = None, /) -> None:
    """Ignore it."""
