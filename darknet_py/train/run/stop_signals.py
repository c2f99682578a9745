"""Requests to stop, by signal."""

from __future__ import annotations

import signal
from contextlib import AbstractContextManager
from types import FrameType
from typing import Any

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP


class StopSignals(AbstractContextManager["StopSignals"]):
    """Records SIGINT, SIGTERM and SIGHUP; a second one ends the program at once.

    A signal that is ignored stays ignored, as `nohup` needs it.

    Args:
        patient: further signals have no effect. A signal from a batch system reaches a process of torchrun
            twice: directly, and from torchrun, which also ends those that take too long.
    """

    def __init__(self, *, patient: bool = False) -> None:
        self.patient, self.stop = patient, False
        self.before: dict[int, Any] = {}

    def __enter__(self) -> StopSignals:
        numbers = [getattr(signal, name) for name in NAMES if hasattr(signal, name)]
        handled = [number for number in numbers if signal.getsignal(number) != signal.SIG_IGN]
        self.before = {number: signal.signal(number, self._handle) for number in handled}
        if hasattr(signal, "SIGCHLD"):
            self.before[signal.SIGCHLD] = signal.getsignal(signal.SIGCHLD)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler or signal.SIG_DFL)  # None: not Python's

    def ignore_ended_workers(self) -> None:
        """Call when loaders have started: a dead one is then an error only where a batch is asked for.

        torch would raise in the middle of an update or a checkpoint; and a signal to the process group ends
        loaders too.
        """
        if hasattr(signal, "SIGCHLD"):
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.stop and not self.patient:
            raise KeyboardInterrupt
        self.stop = True
