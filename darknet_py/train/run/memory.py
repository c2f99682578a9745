"""The error of a training that runs out of memory."""

from __future__ import annotations

import resource
import sys

import torch

from darknet_py.errors import OutOfMemory
from darknet_py.layers.net import Net
from darknet_py.model.prefix_maps import Inputs


def out_of_memory_error(images: Inputs, net: Net) -> OutOfMemory:
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
