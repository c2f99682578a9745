"""Convolutions that share no weights between places."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from darknet_py.ops.learned import Learned


class LocallyConnected(Learned):
    """A kernel for each output cell; `out` is (filters, rows, columns)."""

    def __init__(
        self,
        channels: int,
        out: tuple[int, int, int],
        *,
        size: int,
        stride: int,
        padding: int,
        act: nn.Module,
    ) -> None:
        super().__init__()
        self.out, self.act = out, act
        self.window = {"kernel_size": size, "stride": stride, "padding": padding}
        filters, rows, columns = out
        self.weight = nn.Parameter(torch.zeros(rows * columns, filters, channels * size**2))
        self.bias = nn.Parameter(torch.zeros(out))

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """Uniform in ±sqrt(2 / fan-in) everywhere; Darknet leaves 0 at all cells but the first."""
        uniform = torch.rand(self.weight.shape, generator=generator) * 2 - 1
        self.weight.copy_(uniform * (2 / self.weight.shape[2]) ** 0.5)
        self.bias.zero_()

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, filters, rows, columns)."""
        windows = nn.functional.unfold(x, **self.window)  # (N, C * size², cells)
        found = torch.einsum("pfk,nkp->nfp", self.weight, windows)
        return self.act(found.reshape(-1, *self.out) + self.bias)
