"""Memory that glibc keeps for the process when it is freed, or returns to the system."""

from __future__ import annotations

import contextlib
import ctypes

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4  # <malloc.h>
PAD_BYTES = 64 << 20


def keep_freed_memory() -> None:
    """Have glibc keep what is freed, for the life of the process; other C libraries are left as they are.

    glibc gives large blocks back to the system at once, and a training asks for them again in each iteration,
    an engine in each call.
    Maps of a batch are then not faulted in page by page in every iteration. The peak grows little, as long as
    batches have one size; see `return_freed_memory`.
    """
    _glibc("mallopt", M_MMAP_MAX, 0)
    _glibc("mallopt", M_TRIM_THRESHOLD, (1 << 31) - 1)
    _glibc("mallopt", M_TOP_PAD, PAD_BYTES)


def return_freed_memory() -> None:
    """Have glibc return all free memory to the system, once.

    Due where batches change their size: kept blocks of one size leave gaps that those of another do not fit,
    and the peak would grow from size to size.
    """
    _glibc("malloc_trim", 0)


def _glibc(function: str, *arguments: int) -> None:
    with contextlib.suppress(OSError, AttributeError):  # another C library
        getattr(ctypes.CDLL("libc.so.6"), function)(*arguments)
