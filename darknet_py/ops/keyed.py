"""Random numbers that depend on the run's seed, the iteration, the layer and the sample alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn


class Keyed(nn.Module):
    """A module that draws.

    Told where it is by `at`, it draws the same numbers in any batch, worker, rank or resumed run. Without
    `at` it draws from torch's generator.
    """

    def __init__(self) -> None:
        super().__init__()
        self._key: tuple[int, int, int] | None = None
        self._samples: tuple[int, ...] = ()

    def at(self, *, seed: int, layer: int, iteration: int, samples: Sequence[int]) -> None:
        """Key the next draws; `samples` are the numbers of the batch's images in the data set."""
        self._key, self._samples = (seed, layer, iteration), tuple(samples)

    def uniform(self, size: Sequence[int], *, like: Tensor) -> Tensor:
        """Numbers in [0, 1), multiples of 2^-24, of shape (N, ...), on the device of `like`."""
        if self._key is None:
            return torch.rand(tuple(size), device=like.device)
        seed, layer, iteration = self._key
        assert len(self._samples) == size[0], (
            f"{len(self._samples)} samples announced, a batch of {size[0]} came"
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
