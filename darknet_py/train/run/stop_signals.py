"""Requests to stop, by signal."""

from __future__ import annotations

import signal
from contextlib import AbstractContextManager
from types import FrameType

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP


class Requests(AbstractContextManager["Requests"]):
    """Listens for SIGINT, SIGTERM and SIGHUP; a second one ends the program at once.

    A signal that is ignored stays ignored, as `nohup` wants it.

    Args:
        patient: further signals say nothing new. What a batch system sends to a whole job reaches a process
            of torchrun twice: directly, and from torchrun, which also ends those that take too long.
    """

    stop = False

    def __init__(self, *, patient: bool = False) -> None:
        self.patient = patient

    def __enter__(self) -> Requests:
        numbers = [getattr(signal, name) for name in NAMES if hasattr(signal, name)]
        heard = [number for number in numbers if signal.getsignal(number) != signal.SIG_IGN]
        self.before = {number: signal.signal(number, self._hear) for number in heard}
        if hasattr(signal, "SIGCHLD"):
            self.before[signal.SIGCHLD] = signal.getsignal(signal.SIGCHLD)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler or signal.SIG_DFL)  # None: not Python's

    def undisturbed(self) -> None:
        """Call when loaders have started: then a dead one is an error only where a batch is asked for.

        torch would raise in the midst of whatever is being done, an update or a checkpoint; and a signal to
        the whole group of processes ends loaders too.
        """
        if hasattr(signal, "SIGCHLD"):
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self.stop and not self.patient:
            raise KeyboardInterrupt
        self.stop = True
