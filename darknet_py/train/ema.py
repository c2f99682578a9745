"""Averages of weights: Darknet's, of the second half of a training, and one from the first update on."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from darknet_py.model.network import Network

TAKEN = 1000  # iterations before the end, as in Darknet's detector.c


class LateAverage(AveragedModel):
    """`ema_alpha`: begins in the middle, and takes the place of the weights near the end.

    Darknet's rule: `max_batches / 2`, and `max_batches - 1000`, after which training goes on from it. A run
    of fewer than 2000 iterations ends with two sets, the weights and their average.
    """

    scored = False  # the weights themselves are

    def __init__(self, network: Network) -> None:
        super().__init__(network, multi_avg_fn=get_ema_multi_avg_fn(network.graph.net.ema_alpha))
        self.last = network.graph.net.max_batches

    def after(self, network: Network, iteration: int) -> None:
        """Take an update in."""
        if iteration < self.last // 2:
            return
        self.update_parameters(network)
        if iteration == self.last - TAKEN:
            with torch.no_grad():
                for own, mean in zip(network.parameters(), self.module.parameters(), strict=True):
                    own.copy_(mean)

    def of(self, network: Network) -> Network:
        """The averaged weights with the network's own statistics."""
        for mean, own in zip(self.module.buffers(), network.buffers(), strict=True):
            mean.copy_(own)
        averaged: Network = self.module
        return averaged


class GrowingAverage(AveragedModel):
    """`ema_decay`: of weights and statistics from the first update on; it is what is scored and kept.

    The decay grows to its value, so that random beginnings are soon forgotten.
    """

    scored = True

    def __init__(self, network: Network) -> None:
        super().__init__(network, multi_avg_fn=self._mean, use_buffers=True)
        self.decay, self.ramp = network.graph.net.ema_decay, network.graph.net.ema_ramp

    def after(self, network: Network, iteration: int) -> None:
        """Take an update in."""
        self.update_parameters(network)

    def of(self, network: Network) -> Network:
        """The averaged network."""
        averaged: Network = self.module
        return averaged

    @torch.no_grad()
    def _mean(self, means: list[Tensor], own: list[Tensor], updates: Tensor) -> None:
        decay = self.decay * (1 - math.exp(-float(updates) / self.ramp))
        if means[0].is_floating_point():
            torch._foreach_lerp_(means, own, 1 - decay)
        else:  # counts
            for mean, value in zip(means, own, strict=True):
                mean.copy_(value)


def average_of(network: Network) -> LateAverage | GrowingAverage | None:
    """The average that `[net]` asks for."""
    if network.graph.net.ema_decay:
        return GrowingAverage(network)
    return LateAverage(network) if network.graph.net.ema_alpha else None
