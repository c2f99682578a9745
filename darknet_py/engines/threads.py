"""How many threads an engine takes."""

from __future__ import annotations

import os
from pathlib import Path

MOST_CALLERS = 4  # each keeps the maps of its own images
QUOTA = Path("/sys/fs/cgroup/cpu.max")  # of a container: microseconds of time, and of the period


def callers_for(calls: int) -> int:
    """How many threads may run a network at once, for so many calls in all.

    Calls side by side, each with its share of the threads, wait for each other less than the threads of one.
    The number is the one that leaves the fewest threads without work.
    """
    threads = usable_threads()
    most = min(calls, threads, MOST_CALLERS)
    if most < 2:
        return 1
    return max(range(2, most + 1), key=lambda callers: (threads // callers * callers, callers))


def usable_threads(quota: Path = QUOTA) -> int:
    """As many as the process may use at once: OMP_NUM_THREADS, as torch takes it; else its processors.

    Those are the ones that the process may run on, or the share of them that its container is given.
    """
    wanted = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    if wanted.isascii() and wanted.isdigit() and int(wanted):
        return int(wanted)
    affine = getattr(os, "sched_getaffinity", None)
    processors = len(affine(0)) if affine else os.cpu_count() or 1
    try:
        time, period = quota.read_text().split()
        share = -(-int(time) // int(period))
    except (OSError, ValueError, ZeroDivisionError):  # no container, or `max`
        return processors
    return max(1, min(processors, share))
