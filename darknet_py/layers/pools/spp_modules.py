"""Pools side by side."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn


class Pyramid(nn.Module):
    """Concatenates what its branches make of a map, and the map itself last."""

    def __init__(self, branches: Iterable[nn.Module]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C * (branches + 1), H, W)."""
        return torch.cat([*(branch(x) for branch in self.branches), x], dim=1)
