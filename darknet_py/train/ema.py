"""Averages of weights: Darknet's, of the second half of a training, and one from the first update on."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from darknet_py.model.network import Network

LATE_ITERATIONS = 1000  # before the end, as in Darknet's detector.c


class WeightAverage(AveragedModel):
    """An exponential moving average of a network's weights.

    Args:
        statistics: average buffers too.
    """

    evaluated: bool  # whether the average is what is evaluated and kept, instead of the weights

    def __init__(self, network: Network, *, statistics: bool) -> None:
        super().__init__(network, multi_avg_fn=self._average, use_buffers=statistics)

    @abstractmethod
    def decay_after(self, updates: Tensor | int) -> float:
        """The decay after so many updates of the average."""

    @abstractmethod
    def update(self, network: Network, iteration: int) -> None:
        """Average in the weights after an iteration."""

    def averaged(self, network: Network) -> Network:
        """The network with averaged weights."""
        assert isinstance(self.module, Network)
        return self.module

    @torch.no_grad()
    def _average(self, means: Sequence[Tensor], own: Sequence[Tensor], updates: Tensor | int) -> None:
        if means[0].is_floating_point():
            torch._foreach_lerp_(list(means), list(own), 1 - self.decay_after(updates))
        else:  # counts
            for mean, value in zip(means, own, strict=True):
                mean.copy_(value)


class LateAverage(WeightAverage):
    """`ema_alpha`: begins in the middle of a training, and replaces the weights near its end.

    Darknet's rule: `max_batches / 2`, and `max_batches - 1000`, after which training continues from it. A run
    of fewer than 2000 iterations ends with two sets, the weights and their average.
    """

    evaluated = False

    def __init__(self, network: Network) -> None:
        super().__init__(network, statistics=False)
        self.decay, self.last = network.graph.net.ema_alpha, network.graph.net.max_batches

    def decay_after(self, updates: Tensor | int) -> float:
        """The same at all times."""
        return self.decay

    def update(self, network: Network, iteration: int) -> None:
        """Average in the weights, in the second half of the iterations."""
        if iteration < self.last // 2:
            return
        self.update_parameters(network)
        if iteration == self.last - LATE_ITERATIONS:
            with torch.no_grad():
                for own, mean in zip(network.parameters(), self.module.parameters(), strict=True):
                    own.copy_(mean)

    def averaged(self, network: Network) -> Network:
        """The averaged weights, with the network's own statistics."""
        for mean, own in zip(self.module.buffers(), network.buffers(), strict=True):
            mean.copy_(own)
        return super().averaged(network)


class GrowingAverage(WeightAverage):
    """`ema_decay`: of weights and statistics from the first update on; it is evaluated and kept.

    The decay grows to its value, so that the random first weights are soon forgotten.
    """

    evaluated = True

    def __init__(self, network: Network) -> None:
        super().__init__(network, statistics=True)
        self.decay, self.ramp = network.graph.net.ema_decay, network.graph.net.ema_ramp

    def decay_after(self, updates: Tensor | int) -> float:
        """Near 0 at first, then the decay of [net]."""
        return self.decay * (1 - math.exp(-float(updates) / self.ramp))

    def update(self, network: Network, iteration: int) -> None:
        """Average in the weights and statistics."""
        self.update_parameters(network)


def average_of(network: Network) -> WeightAverage | None:
    """The average that `[net]` asks for."""
    if network.graph.net.ema_decay:
        return GrowingAverage(network)
    return LateAverage(network) if network.graph.net.ema_alpha else None
