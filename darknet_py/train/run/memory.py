"""The memory of a training: freed memory that is kept, and the error where it runs out."""

from __future__ import annotations

import contextlib
import ctypes
import resource
import sys

import torch
from torch import Tensor

from darknet_py.errors import OutOfMemory
from darknet_py.layers.net import Net

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4  # <malloc.h>
PAD_BYTES = 64 << 20


def keep_freed_memory() -> None:
    """Have glibc keep what is freed, for the life of the process; other C libraries are left as they are.

    glibc gives large blocks back to the system at once, and a training asks for them again in each iteration.
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


def out_of_memory_error(images: Tensor, net: Net) -> OutOfMemory:
    """An error with what did not fit, and the peak memory of this process, or of torch on its GPU, so far."""
    n, _, height, width = images.shape
    at_once = f"{-(-n // net.subdivisions)} images of {height}x{width} at once"
    at_once += f" (batch={net.batch}, subdivisions={net.subdivisions})"
    message = f"out of memory, with {at_once}; {_peak(images.device) / (1 << 30):.1f} GiB at most until now"
    return OutOfMemory(message, hint="more subdivisions, a smaller batch or a smaller input need less")


def _peak(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    unit = 1 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
