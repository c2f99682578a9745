"""A learned map that does not depend on the input."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from darknet_py.ops.learned import Learned


class Constant(Learned):
    """`size` (channels, rows) parameters, the same for every image."""

    def __init__(self, size: tuple[int, int], *, mean: float, spread: float) -> None:
        super().__init__()
        self.mean, self.spread = mean, spread
        self.weight = nn.Parameter(torch.full((*size, 1), mean))

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """Uniform in mean ± spread, as in Darknet."""
        uniform = torch.rand(self.weight.shape, generator=generator) * 2 - 1
        self.weight.copy_(self.mean + self.spread * uniform)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, channels, rows, 1)."""
        return self.weight.expand(x.shape[0], -1, -1, -1)
