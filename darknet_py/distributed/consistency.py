"""Checks that all processes have the same setup and hold the same state, to the bit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from darknet_py.distributed.communicator import Communicator
from darknet_py.errors import DistributedError, UsageError
from darknet_py.files.json_fields import differing_keys
from darknet_py.layers.net import Net

DTYPES = {
    str(dtype): dtype
    for dtype in (
        torch.float64,
        torch.float32,
        torch.float16,
        torch.bfloat16,
        torch.int64,
        torch.int32,
        torch.uint8,
        torch.bool,
    )
}


def check_batch_split(net: Net, processes: int) -> None:
    """Check that a batch can be divided among the processes, so that the schedule stays that of the cfg.

    Raises:
        UsageError: when it is not a multiple of the processes and their minibatches.
    """
    if net.batch % (processes * net.subdivisions) == 0:
        return
    parts = f"{processes} processes x {net.subdivisions} subdivisions"
    if net.batch % processes:
        hint = f"give --set net.batch={-(-net.batch // processes) * processes}, or start fewer processes"
    else:
        share = net.batch // processes
        fewer = next(d for d in range(min(share, net.subdivisions), 0, -1) if share % d == 0)
        hint = f"give --set net.subdivisions={fewer}; each process then has {share // fewer} images at once"
    raise UsageError(f"[net] batch={net.batch} is not a multiple of {parts}", hint=hint)


def check_same_setup(communicator: Communicator, facts: Mapping[str, Any]) -> None:
    """Check that all processes have the same cfg, data, seed and program.

    Args:
        facts: those of this process, as JSON holds them.

    Raises:
        UsageError: when one of them differs in another process.
    """
    if communicator.size == 1:
        return
    first, *others = communicator.gather_json(dict(facts))
    for rank, other in enumerate(others, start=1):
        different = differing_keys(first, other)
        if different:
            message = f"processes 0 and {rank} are of different trainings: {', '.join(different)} differ"
            hint = "every machine needs the same command, files and versions"
            communicator.raise_on_all(UsageError(message, hint=hint))


def broadcast_state(
    communicator: Communicator, tensors: Mapping[str, Tensor], device: torch.device
) -> dict[str, Tensor]:
    """The named tensors of the first process, in every process, so that the others need no checkpoint.

    Args:
        tensors: those of this process.
        device: of this process; tensors that the first process has on the CPU stay there.
    """
    own = {key: tensor.contiguous() for key, tensor in tensors.items()}
    kinds = [[k, list(t.shape), str(t.dtype), t.device.type] for k, t in own.items()]
    state: dict[str, Tensor] = {}
    for key, shape, dtype, kind in communicator.broadcast_json(kinds):
        place = device if kind == device.type else kind
        state[key] = own[key] if communicator.first else torch.empty(shape, dtype=DTYPES[dtype], device=place)
        communicator.broadcast(state[key])
    return state


def check_same_state(communicator: Communicator, tensors: Mapping[str, Tensor]) -> None:
    """Check that all processes have the same weights, average, optimiser and statistics, to the bit.

    Args:
        tensors: those of this process.

    Raises:
        DistributedError: when one has other bits, as after a memory error.
    """
    if communicator.size == 1:
        return
    first, *others = communicator.gather_json({key: _sum(tensor) for key, tensor in tensors.items()})
    for rank, other in enumerate(others, start=1):
        different = differing_keys(first, other)
        if different:
            message = f"processes 0 and {rank} hold different numbers: {different[0]}"
            more = f" and {len(different) - 1} more" if len(different) > 1 else ""
            hint = "nothing was saved; --resume goes on from the last checkpoint"
            communicator.raise_on_all(DistributedError(message + more, hint=hint))


def _sum(tensor: Tensor) -> int:
    """Checksum of a tensor's bits; one flipped bit changes it."""
    words = tensor.contiguous().reshape(-1).view(torch.int32 if tensor.element_size() == 4 else torch.uint8)
    return int(words.sum(dtype=torch.int64))
