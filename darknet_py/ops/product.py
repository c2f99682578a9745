"""Products of maps."""

from __future__ import annotations

from torch import Tensor, nn


class Product(nn.Module):
    """One map times another, the smaller one broadcast, then an activation."""

    def __init__(self, act: nn.Module) -> None:
        super().__init__()
        self.act = act

    def forward(self, before: Tensor, other: Tensor) -> Tensor:
        """(N, C, H, W), the larger of the two shapes."""
        product: Tensor = self.act(before * other)
        return product
