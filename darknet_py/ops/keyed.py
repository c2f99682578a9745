"""Random numbers that depend on the run's seed, the iteration, the layer and the sample alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from darknet_py.errors import UsageError
from darknet_py.ops.pools.parts import recording


class Keyed(nn.Module):
    """Base class of stochastic modules.

    After `at`, the random numbers are the same in any batch, worker, rank or resumed run. Without `at` they
    come from torch's global generator.
    """

    def __init__(self) -> None:
        super().__init__()
        self._key: tuple[int, int, int] | None = None
        self._samples: tuple[int, ...] = ()

    def at(self, *, seed: int, layer: int, iteration: int, samples: Sequence[int]) -> None:
        """Seed the next forward pass; `samples` are the indices of the batch's images in the data set."""
        self._key, self._samples = (seed, layer, iteration), tuple(samples)

    def uniform(self, size: Sequence[int], *, like: Tensor) -> Tensor:
        """Numbers in [0, 1), multiples of 2^-24, of shape (N, ...), on the device of `like`.

        Raises:
            UsageError: while torch records a graph, where the numbers would be constants.
        """
        if recording() and self._key is not None:
            message = "a layer that draws random numbers in training is traced, exported or compiled"
            raise UsageError(message, hint="call `network.eval()` before")
        if self._key is None:
            return torch.rand(tuple(size), device=like.device)
        seed, layer, iteration = self._key
        assert len(self._samples) == size[0], (
            f"`at` got {len(self._samples)} samples, the batch has {size[0]} images"
        )
        numbers = np.empty(tuple(size), np.float32)
        for row, sample in zip(numbers, self._samples, strict=True):
            philox = np.random.Philox(key=[seed, layer], counter=[0, 0, iteration, sample])
            np.random.Generator(philox).random(dtype=np.float32, out=row)
        return torch.from_numpy(numbers).to(like.device)


class KeyedDropout(Keyed):
    """Zeroes each number with `probability` and scales the rest by 1 / (1 - probability), in training."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same shape."""
        if not self.training or self.probability == 0:
            return x
        kept = self.uniform(x.shape, like=x) >= self.probability
        return x * kept.to(x.dtype) / (1 - self.probability)
