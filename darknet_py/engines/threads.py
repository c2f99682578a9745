"""How many threads an engine takes."""

from __future__ import annotations

import os
from pathlib import Path

QUOTA = Path("/sys/fs/cgroup/cpu.max")  # of a container: microseconds of time, and of the period


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
