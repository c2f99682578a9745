"""How far a verb has come: a bar on a terminal, and in a log a line every ten seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from darknet_py.progress import Progress, no_progress

if TYPE_CHECKING:
    from tqdm import tqdm

SECONDS = 10.0  # between two lines of a log


@contextmanager
def show_progress(unit: str, *, title: str = "", quiet: bool = False) -> Iterator[Progress]:
    """Show on standard error what the progress is called with.

    Args:
        unit: of the pieces of work, such as `images`.
        title: comes first in each line.
        quiet: show nothing.
    """
    if quiet:
        yield no_progress
    elif sys.stderr.isatty():
        bar = ProgressBar(unit, title=title)
        try:
            yield bar
        finally:
            bar.close()
    else:
        yield ProgressLines(unit, title=title)


class ProgressBar:
    """A tqdm bar; another total begins another bar."""

    def __init__(self, unit: str, *, title: str = "") -> None:
        self.unit, self.title = unit, title
        self.bar: tqdm[None] | None = None

    def __call__(self, done: int, total: int, facts: Mapping[str, float] | None = None, /) -> None:
        """Move the bar."""
        from tqdm import tqdm

        if self.bar is None or (self.bar.total or 0) != total:
            self.close()
            self.bar = tqdm(
                total=total or None,
                initial=done,
                unit=self.unit,
                desc=self.title or None,
                delay=0.5,
                file=sys.stderr,
                dynamic_ncols=True,
            )
        if facts:
            self.bar.set_postfix_str(facts_text(facts), refresh=False)
        self.bar.update(done - self.bar.n)

    def close(self) -> None:
        """Leave the bar as it is."""
        if self.bar is not None:
            self.bar.close()


class ProgressLines:
    """A plain line every ten seconds, for output that is a log: `12.5 %, 50/400 it, loss 3.2, 0:41 left`.

    Args:
        stream: where the lines go; standard error.
        clock: in seconds, for tests.
    """

    def __init__(
        self,
        unit: str,
        *,
        title: str = "",
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.unit, self.prefix = unit, f"{title}: " if title else ""
        self.stream, self.clock = stream or sys.stderr, clock
        self.total = -1
        self.first_done, self.began, self.written = 0, 0.0, 0.0

    def __call__(self, done: int, total: int, facts: Mapping[str, float] | None = None, /) -> None:
        """Write a line where one is due."""
        now = self.clock()
        if total != self.total:
            self.total, self.first_done, self.began, self.written = total, done, now, now
        written_before = self.written > self.began
        if now - self.written < SECONDS and not (done >= total > 0 and written_before):
            return
        self.written = now
        parts = [f"{100 * done / total:.1f} %"] if total else []
        parts.append(f"{done:,}/{total:,} {self.unit}" if total else f"{done:,} {self.unit}")
        if facts:
            parts.append(facts_text(facts))
        if self.first_done < done < total:
            left = (total - done) * (now - self.began) / (done - self.first_done)
            parts.append(f"{duration(left)} left")
        print(self.prefix + ", ".join(parts), file=self.stream, flush=True)


def facts_text(facts: Mapping[str, float]) -> str:
    """The numbers of a training, `loss 3.21, lr 0.001, 45 images/s`; of a detection the last of them."""
    speed = facts["images_per_second"]
    if "loss" not in facts:
        return f"{speed:.3g} images/s"
    return f"loss {facts['loss']:.3g}, lr {facts['learning_rate']:.3g}, {speed:.0f} images/s"


def duration(seconds: float) -> str:
    """Hours, minutes and seconds.

    >>> duration(41), duration(3725)
    ('0:41', '1:02:05')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
