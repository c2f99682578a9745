"""Gradients summed over all processes by torch's DistributedDataParallel, during the last backward pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from darknet_py.distributed.communicator import Communicator

P = ParamSpec("P")
T = TypeVar("T")
BUCKET_MB = 25.0  # of gradients that are sent together


class GradientSync(Generic[P, T]):
    """The forward pass of a training, and the sum of its gradients over all processes.

    For each batch: `begin` before the forward pass of its last part, then `finish`, or `abandon` where a pass
    failed. Gradients of earlier parts accumulate. A gradient that no process has stays None.

    With `find_unused_parameters` DistributedDataParallel accepts layers that are frozen in some iterations,
    and never rearranges its buckets, so that a resumed run adds in the order of an uninterrupted one.

    Args:
        network: parameters that require no gradient now are never sent.
        forward: computes what the backward pass begins with; torch looks for its tensors in tuples, lists,
            dicts and dataclasses.
    """

    def __init__(self, network: nn.Module, forward: Callable[P, T], communicator: Communicator) -> None:
        self.communicator, self.forward = communicator, forward
        self.group = communicator.nccl if next(network.parameters()).is_cuda else None
        self.armed, self.sent = False, 0
        self.parallel: DistributedDataParallel | None = None
        if communicator.size > 1:
            self.parallel = DistributedDataParallel(
                _Forward(network, forward),
                process_group=self.group,
                bucket_cap_mb=BUCKET_MB,
                find_unused_parameters=True,
                init_sync=False,
                forward_sync_buffers=False,
            )
            self.parallel.register_comm_hook(None, lambda _, bucket: self._start_sum(bucket.buffer()))

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """The forward pass."""
        if self.parallel is None or not self.armed:
            return self.forward(*args, **kwargs)
        outputs: T = self.parallel(*args, **kwargs)
        return outputs

    def begin(self) -> None:
        """Have the gradients summed in the backward pass of the next forward pass."""
        self.armed, self.sent = True, 0

    def finish(self, loss: Tensor) -> Tensor:
        """The loss over all processes.

        Raises:
            PeerFailed: when another process abandoned the batch.
        """
        self.armed = False
        return self._sum_loss(loss, None) if self.parallel else loss

    def abandon(self, failure: Exception) -> None:
        """Complete the sums that the other processes wait for, and report the failure to them.

        Raises:
            PeerFailed: when a process of a lower rank failed too, which reports it.
            Exception: the failure, else.
        """
        if self.parallel is None or self.communicator.failed:
            raise failure
        if not self.armed:
            self.begin()
        reducer = self.parallel.reducer
        zeros = reducer._get_zeros_like_grad_buckets()[self.sent :]
        for bucket in zeros:
            self.communicator.sum(bucket.buffer())
        if zeros:  # DistributedDataParallel sums after its last bucket which parameters have a gradient
            self.communicator.sum(reducer._get_local_used_map())
        self._sum_loss(torch.zeros(()), failure)

    def _start_sum(self, gradients: Tensor) -> torch.futures.Future[Tensor]:
        """Begin the sum of a bucket; without a hook torch would divide by the number of processes."""
        self.sent += 1
        work = dist.all_reduce(gradients, group=self.group, async_op=True)
        return work.get_future().then(lambda future: future.value()[0])

    def _sum_loss(self, loss: Tensor, failure: Exception | None) -> Tensor:
        failed = torch.zeros(self.communicator.size, dtype=torch.float64)
        failed[self.communicator.rank] = failure is not None
        total = self.communicator.sum(torch.cat([loss.detach().double().cpu().view(1), failed]))
        ranks = total[1:].nonzero().flatten().tolist()
        if ranks:
            self.communicator.raise_failure(ranks[0], failure)
        return total[0]


class _Forward(nn.Module):
    """A forward pass as a module, with a parameter that it never uses: torch warns where there is none."""

    def __init__(self, network: nn.Module, forward: Callable[..., Any]) -> None:
        super().__init__()
        self.network, self.function = network, forward
        self.unused = nn.Parameter(next(network.parameters()).new_zeros(()))

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)
