"""Gradients summed over all processes, while the last part of a batch is still being carried back.

Gradients travel in buckets, in an order and with places in them that never change. torch's own
DistributedDataParallel lays its buckets out anew after the first update, so that from three processes on a
resumed run would add in another order than the unbroken one, and lose its last bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn

from darknet_py.distributed.communicator import Communicator

BUCKET_BYTES = 25 << 20  # as many as DistributedDataParallel's


@dataclass
class Bucket:
    """Parameters whose gradients travel together, and room for these.

    Args:
        views: of `flat`, one a parameter.
        awaited: gradients that are still to come.
        work: the sum, once it has begun.
    """

    parameters: list[nn.Parameter]
    flat: Tensor
    views: list[Tensor]
    awaited: int = 0
    work: dist.Work | None = None

    @classmethod
    def of(cls, parameters: list[nn.Parameter]) -> Bucket:
        """Room for the gradients of some parameters, all of one type."""
        sizes = [parameter.numel() for parameter in parameters]
        flat = parameters[0].new_zeros(sum(sizes))
        views = [part.view(p.shape) for part, p in zip(flat.split(sizes), parameters, strict=True)]
        return cls(parameters, flat, views)


class Sums:
    """The gradients of a network, summed over the processes of a training.

    For each batch: `begin` before its last backward pass, then `finish`, or `abandon` where the pass failed.
    """

    def __init__(self, parameters: Sequence[nn.Parameter], communicator: Communicator) -> None:
        self.parameters, self.communicator = list(parameters), communicator
        self.buckets = (
            [Bucket.of(part) for part in _parts(self.parameters[::-1])] if communicator.size > 1 else []
        )
        self.waiting: list[Bucket] = []
        self.armed = False
        for bucket in self.buckets:
            for parameter in bucket.parameters:
                parameter.register_post_accumulate_grad_hook(self._arrival(bucket))

    def begin(self) -> None:
        """What the backward pass to come completes is sent."""
        self.waiting, self.armed = [], True
        for bucket in self.buckets:  # gradients of frozen parameters are not waited for
            bucket.awaited = sum(parameter.requires_grad for parameter in bucket.parameters)
            if bucket.awaited:
                self.waiting.append(bucket)

    def finish(self, loss: Tensor) -> Tensor:
        """The loss over all processes; each gradient is now the sum.

        A gradient that no process has stays None, so that the optimiser lets its parameter rest.

        Raises:
            PeerFailed: when another process abandoned the batch.
        """
        if self.communicator.size == 1:
            return loss
        total, used = self._complete(float(loss), None)
        for bucket in self.buckets:
            for parameter, view in zip(bucket.parameters, bucket.views, strict=True):
                if used[id(parameter)]:
                    parameter.grad = torch.empty_like(parameter) if parameter.grad is None else parameter.grad
                    parameter.grad.copy_(view)
        return total

    def abandon(self, failure: Exception) -> None:
        """Take this process's part in the sums that the others wait for, and say that it failed.

        Raises:
            PeerFailed: when a process before this one failed too; it tells.
            Exception: the failure, else.
        """
        if self.communicator.size == 1 or self.communicator.failed:
            raise failure
        self._complete(0.0, failure)

    def _arrival(self, bucket: Bucket) -> Callable[[Tensor], None]:
        def arrived(parameter: Tensor) -> None:
            if self.armed:
                bucket.awaited -= 1
                while self.waiting and not self.waiting[0].awaited:
                    self._send(self.waiting.pop(0))

        return arrived

    def _send(self, bucket: Bucket) -> None:
        for parameter, view in zip(bucket.parameters, bucket.views, strict=True):
            if parameter.grad is None:
                view.zero_()
            else:
                view.copy_(parameter.grad)
        bucket.work = self.communicator.start_sum(bucket.flat)

    def _complete(self, loss: float, failure: Exception | None) -> tuple[Tensor, dict[int, bool]]:
        """Send what is left, wait for all; the loss, and which parameters have gradients anywhere."""
        if not self.armed:
            self.begin()
        self.armed = False
        for bucket in self.waiting:
            self._send(bucket)
        for bucket in self.buckets:
            if bucket.work is not None:
                self.communicator.wait(bucket.work)
                bucket.work = None
        failed = [
            float(failure is not None and rank == self.communicator.rank)
            for rank in range(self.communicator.size)
        ]
        used = [float(parameter.grad is not None) for parameter in self.parameters]
        total = self.communicator.sum(torch.tensor([loss, *failed, *used], dtype=torch.float64))
        failed, used = total[1 : 1 + len(failed)].tolist(), total[1 + len(failed) :].tolist()
        if any(failed):
            self.communicator.raise_failure(next(rank for rank, there in enumerate(failed) if there), failure)
        return total[0], {id(p): bool(count) for p, count in zip(self.parameters, used, strict=True)}


def _parts(parameters: Sequence[nn.Parameter]) -> Iterator[list[nn.Parameter]]:
    """Parameters in their order, cut where a bucket is full or their type changes."""
    part: list[nn.Parameter] = []
    for parameter in parameters:
        size = sum(p.numel() * p.element_size() for p in part)
        if part and (size >= BUCKET_BYTES or parameter.dtype != part[0].dtype):
            yield part
            part = []
        part.append(parameter)
    if part:
        yield part
