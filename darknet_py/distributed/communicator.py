"""Communication between the processes of a training that torchrun started.

Processes send each other tensors and JSON; nothing that is received is unpickled. Tensors on a CPU are sent
by gloo, tensors on a GPU by NCCL. With one process nothing is sent, and torch is not imported.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from darknet_py.distributed.process_info import ProcessInfo
from darknet_py.errors import DarknetPyError, DistributedError, PeerFailed

if TYPE_CHECKING:
    import torch.distributed as dist
    from torch import Tensor
    from torch.distributed.distributed_c10d import Store

TIMEOUT_SECONDS = 300.0  # seconds that one process waits for another
REPORTED = "darknet-py/reported"  # key in the store: how many processes reported why they end


@dataclass
class Flags:
    """Requests of a process; after a `local_section`, those of any process."""

    stop: bool = False
    save: bool = False


class Communicator:
    """Collective operations of the processes of a training; `rendezvous.process_group` makes one.

    Args:
        store: keys and numbers that all processes share, independent of collective operations.
        seconds: how long one process waits for another.
    """

    def __init__(
        self,
        process: ProcessInfo | None = None,
        store: Store | None = None,
        *,
        seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self.process, self.store, self.seconds = process or ProcessInfo(), store, seconds
        self.rank, self.size, self.first = self.process.rank, self.process.size, self.process.rank == 0
        self.parent = os.getppid()
        self.failed = False  # every process knows that one of them failed
        self.in_local_section = False
        self.nccl: dist.ProcessGroup | None = None

    def orphaned(self) -> bool:
        """Whether the torchrun that started this process is gone."""
        return self.process.elastic and os.getppid() != self.parent

    def use_device(self, device: str) -> None:
        """Send tensors of this device by NCCL, if it is a GPU."""
        if self.size > 1 and device.startswith("cuda"):
            import torch
            import torch.distributed as dist

            torch.cuda.set_device(device)
            with self._peer_errors():
                group = dist.new_group(backend="nccl", timeout=timedelta(seconds=self.seconds))
            assert isinstance(group, dist.ProcessGroup), "every process is a member"
            self.nccl = group

    def share(self, count: int, *, block: int = 1) -> range:
        """This process's part of 0..count-1: complete blocks of `block` numbers, in the order of ranks.

        >>> list(Communicator(ProcessInfo(rank=1, size=2)).share(10, block=4))
        [4, 5, 6, 7, 8, 9]
        """
        blocks = -(-count // block)
        low, high = (blocks * (self.rank + k) // self.size for k in (0, 1))
        return range(min(count, low * block), min(count, high * block))

    @contextmanager
    def local_section(self) -> Iterator[Flags]:
        """Work of each process without collective operations; it ends when every process has done it.

        Yields:
            The flags that this process may set; afterwards those that any process set.

        Raises:
            PeerFailed: when another process failed. Of several, the one of the lowest rank raises its error.
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
            import torch
            import torch.distributed as dist

            mine = [self.size - self.rank if failure else 0, int(flags.stop), int(flags.save)]
            worst, stop, save = self._reduced(torch.tensor(mine), dist.ReduceOp.MAX).tolist()
            flags.stop, flags.save = bool(stop), bool(save)
            if worst:
                self.raise_failure(self.size - worst, failure)

    def raise_failure(self, rank: int, failure: Exception | None, *, exit_code: int = 1) -> None:
        """Raise the failure of a rank, which every process knows of; it alone reports it.

        Args:
            failure: of this process, if it failed.
            exit_code: of the other processes.

        Raises:
            PeerFailed: in the other processes.
        """
        self.failed = True
        if failure is not None and self.rank == rank:
            raise failure
        raise PeerFailed("another process reports why", exit_code=exit_code)

    def raise_on_all(self, error: DarknetPyError, *, informed: bool = True) -> None:
        """Raise an error that every process has found; one of them reports it.

        Args:
            informed: the error of this process has details; one of these is preferred.
        """
        if self.size == 1:
            raise error
        import torch
        import torch.distributed as dist

        order = self.rank if informed else self.size + self.rank
        rank = int(self._reduced(torch.tensor([order]), dist.ReduceOp.MIN)) % self.size
        self.raise_failure(rank, error, exit_code=error.exit_code)

    def sum(self, tensor: Tensor) -> Tensor:
        """Replace a tensor by its sum over all processes, with the same bits in each; returns it."""
        import torch.distributed as dist

        return self._reduced(tensor, dist.ReduceOp.SUM)

    def mean(self, tensors: list[Tensor]) -> None:
        """Replace each tensor by its mean over all processes."""
        if self.size > 1 and tensors:
            import torch

            flat = self.sum(torch.cat([tensor.reshape(-1) for tensor in tensors])).div_(self.size)
            for tensor, part in zip(tensors, torch.split(flat, [t.numel() for t in tensors]), strict=True):
                tensor.copy_(part.view_as(tensor))

    def broadcast(self, tensor: Tensor) -> None:
        """Replace a contiguous tensor by that of the first process."""
        import torch.distributed as dist

        with self._peer_errors():
            dist.broadcast(tensor, src=0, group=self._group(tensor))

    def gather(self, data: bytes) -> list[bytes]:
        """The bytes of every process, by rank."""
        if self.size == 1:
            return [data]
        import torch
        import torch.distributed as dist

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
        """A JSON value of every process, by rank."""
        if self.size == 1:
            return [value]
        return [json.loads(data) for data in self.gather(json.dumps(value).encode())]

    def broadcast_json(self, value: Any) -> Any:
        """The JSON value of the first process."""
        return self.gather_json(value if self.first else None)[0]

    def _group(self, tensor: Tensor) -> dist.ProcessGroup | None:
        assert not self.in_local_section, "a local section has no collective operations"
        return self.nccl if tensor.is_cuda else None

    def _reduced(self, tensor: Tensor, operation: dist.ReduceOp.RedOpType) -> Tensor:
        if self.size > 1:
            import torch.distributed as dist

            with self._peer_errors():
                dist.all_reduce(tensor, operation, group=self._group(tensor))
        return tensor

    @contextmanager
    def _peer_errors(self) -> Iterator[None]:
        """Replace what torch raises when another process ended or does not answer."""
        try:
            yield
        except RuntimeError as error:
            self.failed = True
            if not self.claim_report():
                raise PeerFailed("another process reports why") from None
            # After a timeout, torch finds the connection closed.
            if re.search("timed out|timeout", f"{error.__context__} {error}", re.IGNORECASE):
                message = f"another process did not answer for {self.seconds:g} seconds"
                hint = "check that it runs, its disk and the network; --resume continues"
            else:
                message = "another process ended without reporting an error"
                hint = "it may have been killed, by a person or for lack of memory; --resume continues"
            raise DistributedError(message, hint=hint) from None

    def claim_report(self) -> bool:
        """Whether this process is the first to report why all end; also if the store is gone."""
        try:
            return self.store is None or self.store.add(REPORTED, 1) == 1
        except RuntimeError:
            return True
