"""The processes of one training, as torchrun starts them: what they tell each other, and what they agree on.

Tensors and bytes of JSON travel, and nothing that would be unpickled. What lies on a CPU goes by gloo, what
lies on a GPU by NCCL. A training in one process has a world of one, which asks nobody.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from darknet_py.distributed.process_info import ProcessInfo
from darknet_py.errors import DarknetPyError, DistributedError, PeerFailed

TIMEOUT_SECONDS = 300.0  # seconds that one process waits for another
REPORTED = "darknet-py/reported"  # in the store: how many processes had something to say when they ended


@dataclass
class Flags:
    """What a process wants; what any of them wanted, when all have spoken."""

    stop: bool = False
    save: bool = False


class Communicator:
    """One process's line to the others; see `rendezvous.py`.

    Args:
        store: of keys and numbers that all processes see, outside of their collectives.
        seconds: how long one process waits for another.
    """

    def __init__(
        self,
        process: ProcessInfo | None = None,
        store: dist.Store | None = None,
        *,
        seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self.process, self.store, self.seconds = process or ProcessInfo(), store, seconds
        self.rank, self.size, self.first = self.process.rank, self.process.size, self.process.rank == 0
        self.parent = os.getppid()
        self.failed = False  # all know that one of them failed
        self.in_local_section = False
        self.nccl: dist.ProcessGroup | None = None

    def orphaned(self) -> bool:
        """Whether the torchrun that started this process is gone."""
        return self.process.elastic and os.getppid() != self.parent

    def use_device(self, device: str) -> None:
        """Have tensors of a GPU exchanged by NCCL."""
        if self.size > 1 and device.startswith("cuda"):
            torch.cuda.set_device(device)
            with self._peer_errors():
                self.nccl = dist.new_group(backend="nccl", timeout=timedelta(seconds=self.seconds))

    def share(self, count: int, *, block: int = 1) -> range:
        """This process's part of 0..count-1: complete blocks of `block`, in the order of communicator.

        >>> list(Communicator(ProcessInfo(rank=1, size=2)).share(10, block=4))
        [4, 5, 6, 7, 8, 9]
        """
        blocks = -(-count // block)
        low, high = (blocks * (self.rank + k) // self.size for k in (0, 1))
        return range(min(count, low * block), min(count, high * block))

    @contextmanager
    def local_section(self) -> Iterator[Flags]:
        """Work that each process does for itself, without a collective; it ends when all have done it.

        Yields:
            What this one flags for; afterwards what any did.

        Raises:
            PeerFailed: when another failed, which says why. The first that failed raises what it met.
        """
        flags, failure = Flags(), None
        self.in_local_section = True
        try:
            yield flags
        except Exception as error:
            if self.size == 1:
                raise
            failure = error
        finally:
            self.in_local_section = False
        if self.size > 1:
            mine = [self.size - self.rank if failure else 0, int(flags.stop), int(flags.save)]
            worst, stop, save = self._reduced(torch.tensor(mine), dist.ReduceOp.MAX).tolist()
            flags.stop, flags.save = bool(stop), bool(save)
            if worst:
                self.raise_failure(self.size - worst, failure)

    def raise_failure(self, first: int, failure: Exception | None, *, exit_code: int = 1) -> None:
        """End, where all know that the process `first` failed, and perhaps others: it alone tells.

        Args:
            failure: what this one met.
            exit_code: that the others exit with.
        """
        self.failed = True
        if failure is not None and self.rank == first:
            raise failure
        raise PeerFailed("another process says why", exit_code=exit_code)

    def raise_on_all(self, error: DarknetPyError, *, informed: bool = True) -> None:
        """Raise an error that all processes meet at this place; one of them tells.

        Args:
            informed: this one knows more of it than those where it is false.
        """
        if self.size == 1:
            raise error
        order = self.rank if informed else self.size + self.rank
        first = int(self._reduced(torch.tensor([order]), dist.ReduceOp.MIN)) % self.size
        self.raise_failure(first, error, exit_code=error.exit_code)

    def sum(self, tensor: Tensor) -> Tensor:
        """The sum over all processes, in the place of the tensor; the same bits in each."""
        return self._reduced(tensor, dist.ReduceOp.SUM)

    def mean(self, tensors: list[Tensor]) -> None:
        """Put the mean over all processes in the place of each tensor."""
        if self.size > 1 and tensors:
            flat = self.sum(torch.cat([tensor.reshape(-1) for tensor in tensors])).div_(self.size)
            for tensor, part in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
                tensor.copy_(part.view_as(tensor))

    def broadcast(self, tensor: Tensor) -> None:
        """Put what the first process has in the place of a contiguous tensor."""
        with self._peer_errors():
            dist.broadcast(tensor, src=0, group=self._group(tensor))

    def gather(self, data: bytes) -> list[bytes]:
        """The bytes of every process, in the order of communicator."""
        if self.size == 1:
            return [data]
        lengths = torch.zeros(self.size, dtype=torch.int64)
        lengths[self.rank] = len(data)
        longest = int(self.sum(lengths).max())
        mine = torch.zeros(longest, dtype=torch.uint8)
        mine[: len(data)] = torch.from_numpy(np.frombuffer(data, np.uint8).copy())
        parts = [torch.empty_like(mine) for _ in range(self.size)]
        if longest:
            with self._peer_errors():
                dist.all_gather(parts, mine)
        return [part[:length].numpy().tobytes() for part, length in zip(parts, lengths.tolist(), strict=True)]

    def gather_json(self, value: Any) -> list[Any]:
        """A value of every process, such as JSON can hold, in the order of communicator."""
        if self.size == 1:
            return [value]
        return [json.loads(data) for data in self.gather(json.dumps(value).encode())]

    def broadcast_json(self, value: Any) -> Any:
        """The first process's value, such as JSON can hold."""
        return self.gather_json(value if self.first else None)[0]

    def _group(self, tensor: Tensor) -> dist.ProcessGroup | None:
        assert not self.in_local_section, "work of each for itself has no collectives"
        return self.nccl if tensor.is_cuda else None

    def _reduced(self, tensor: Tensor, how: dist.ReduceOp.RedOpType) -> Tensor:
        if self.size > 1:
            with self._peer_errors():
                dist.all_reduce(tensor, how, group=self._group(tensor))
        return tensor

    @contextmanager
    def _peer_errors(self) -> Iterator[None]:
        """What torch raises where another process has ended, or is silent."""
        try:
            yield
        except RuntimeError as error:
            self.failed = True
            if not self.claim_report():
                raise PeerFailed("another process says why") from None
            cause = error.__context__ or error  # after a time-out torch finds the connection closed
            raise _lost(f"{cause} {error}", self.seconds) from None

    def claim_report(self) -> bool:
        """Whether this is the first process to say why all end; a store that is gone forbids nothing."""
        try:
            return self.store is None or self.store.add(REPORTED, 1) == 1
        except RuntimeError:
            return True


def _lost(text: str, seconds: float) -> DistributedError:
    if re.search("timed out|timeout", text, re.IGNORECASE):
        message = f"another process gave no answer for {seconds:g} seconds"
        return DistributedError(message, hint="is it stopped, or its disk, or the net? --resume goes on")
    hint = "perhaps it was killed, for want of memory or by a person; --resume goes on"
    return DistributedError("another process has ended without a word", hint=hint)
