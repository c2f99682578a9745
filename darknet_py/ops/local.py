"""Locally connected layers: convolutions whose weights are not shared between positions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from darknet_py.ops.learned import Learned


class LocallyConnected(Learned):
    """A separate kernel for each output cell.

    Args:
        out: filters, rows and columns of the output.
        window: size, stride and padding of the kernels.
    """

    def __init__(
        self,
        channels: int,
        out: tuple[int, int, int],
        *,
        window: tuple[int, int, int],
        act: nn.Module,
    ) -> None:
        super().__init__()
        self.out, self.act = out, act
        size, stride, padding = window
        self.unfold = nn.Unfold(size, padding=padding, stride=stride)
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
        windows = self.unfold(x)  # (N, C * size², cells)
        products = torch.einsum("pfk,nkp->nfp", self.weight, windows)
        activated: Tensor = self.act(products.reshape(-1, *self.out) + self.bias)
        return activated
