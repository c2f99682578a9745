"""That the processes of a training are of one training, start from one state, and stay equal to the bit."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from darknet_py.distributed.communicator import Communicator
from darknet_py.errors import DistributedError, UsageError
from darknet_py.layers.net import Net
from darknet_py.runs.checkpoint import KINDS, STEP, restore, state_of
from darknet_py.runs.environment import code_digest
from darknet_py.train.step import Trainer

OF_KIND = {kind: dtype for dtype, kind in KINDS.items()}


def check_batch_split(net: Net, processes: int) -> None:
    """See that a batch can be shared out, so that the schedule stays what the cfg says.

    Raises:
        UsageError: when it is no multiple of the processes and their minibatches.
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
    raise UsageError(f"[net] batch={net.batch} is no multiple of {parts}", hint=hint)


def check_same_setup(communicator: Communicator, facts: dict[str, Any]) -> None:
    """See that all processes have the same cfg, data, seed and program.

    Args:
        facts: what this process has.

    Raises:
        UsageError: when one has something else.
    """
    if communicator.size == 1:
        return
    first, *others = communicator.gather_json({**facts, "program": code_digest()})
    for rank, other in enumerate(others, start=1):
        different = sorted(key for key in first.keys() | other.keys() if first.get(key) != other.get(key))
        if different:
            message = f"processes 0 and {rank} are of different trainings: {', '.join(different)} differ"
            hint = "every machine needs the same command, files and versions"
            communicator.raise_on_all(UsageError(message, hint=hint))


def broadcast_state(trainer: Trainer, communicator: Communicator) -> None:
    """Give every process the state of the first one, so that the others need no checkpoint."""
    if communicator.size == 1:
        return
    own = state_of(trainer)
    state: dict[str, Tensor] = {}
    for key, shape, kind in communicator.broadcast_json(
        [[k, list(t.shape), KINDS[t.dtype]] for k, t in own.items()]
    ):
        if communicator.first:
            state[key] = own[key].contiguous()
        else:
            device = "cpu" if key.endswith(STEP) or key.startswith("scaling.") else trainer.device
            state[key] = torch.empty(shape, dtype=OF_KIND[kind], device=device)
        communicator.broadcast(state[key])
    if not communicator.first:
        restore(trainer, state)


def check_same_state(trainer: Trainer, communicator: Communicator) -> None:
    """See that all processes hold the same weights, average, optimiser and statistics.

    Raises:
        DistributedError: when one holds other bits, as after an error of its memory.
    """
    if communicator.size == 1:
        return
    first, *others = communicator.gather_json(
        {key: _sum(tensor) for key, tensor in state_of(trainer).items()}
    )
    for rank, other in enumerate(others, start=1):
        different = sorted(key for key in first.keys() | other.keys() if first.get(key) != other.get(key))
        if different:
            message = f"processes 0 and {rank} hold different numbers: {different[0]}"
            more = f" and {len(different) - 1} more" if len(different) > 1 else ""
            hint = "nothing was saved; --resume goes on from the last checkpoint"
            communicator.raise_on_all(DistributedError(message + more, hint=hint))


def _sum(tensor: Tensor) -> int:
    """Of a tensor's bits; one flipped bit changes it."""
    words = tensor.contiguous().reshape(-1).view(torch.int32 if tensor.element_size() == 4 else torch.uint8)
    return int(words.sum(dtype=torch.int64))
