"""Queues between threads, whose waits end when the work is stopped."""

from __future__ import annotations

import queue
import time
from threading import Event
from typing import TypeVar

T = TypeVar("T")
TICK = 0.1  # seconds after which a waiting thread looks whether it was stopped


class Halted(Exception):
    """The work was stopped while a thread waited."""


def put(channel: queue.Queue[T], item: T, *stops: Event) -> None:
    """Put an item into a bounded queue, when it has room.

    Raises: Halted: when one of `stops` is set.
    """
    while True:
        if any(stop.is_set() for stop in stops):
            raise Halted
        try:
            return channel.put(item, timeout=TICK)
        except queue.Full:
            continue


def take(channel: queue.Queue[T], stop: Event, seconds: float | None = None) -> T:
    """Take an item out of a queue.

    Args:
        seconds: to wait at most.

    Raises:
        Halted: when `stop` is set.
        queue.Empty: when none came in time.
    """
    end = None if seconds is None else time.monotonic() + seconds
    while True:
        if stop.is_set():
            raise Halted
        left = TICK if end is None else min(TICK, end - time.monotonic())
        if left <= 0:
            raise queue.Empty
        try:
            return channel.get(timeout=left)
        except queue.Empty:
            continue
