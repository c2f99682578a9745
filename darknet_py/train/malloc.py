"""glibc gives large blocks back to the system at once; a training asks for them again in every iteration."""

from __future__ import annotations

import contextlib
import ctypes
import sys

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4  # <malloc.h>
PAD_BYTES = 64 << 20


def keep_freed_memory() -> None:
    """Tell glibc to keep what is freed, for the life of the process; elsewhere nothing happens.

    Maps of a batch are then not faulted in page by page in every iteration. The peak grows little, and the
    memory goes back when the process ends.
    """
    if not sys.platform.startswith("linux"):
        return
    with contextlib.suppress(OSError, AttributeError):  # another C library than glibc
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(M_MMAP_MAX, 0)
        libc.mallopt(M_TRIM_THRESHOLD, (1 << 31) - 1)
        libc.mallopt(M_TOP_PAD, PAD_BYTES)
