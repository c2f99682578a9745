"""Pools side by side."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn


class BesideTheMap(nn.Module):
    """Concatenates what its branches make of a map, and the map itself last."""

    def __init__(self, branches: Iterable[nn.Module]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C * (branches + 1), H, W)."""
        return torch.cat([*(branch(x) for branch in self.branches), x], dim=1)


class GrownBesideTheMap(BesideTheMap):
    """As `BesideTheMap`; each branch, the largest first, gets the map and what the next smaller one made."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C * (branches + 1), H, W)."""
        maps = [x]
        for branch in reversed(self.branches):
            maps.append(branch(x, *maps[1:][-1:]))
        return torch.cat(maps[::-1], dim=1)


class EndToEnd(nn.Module):
    """Lays what its branches make of a map in one row, one after the other."""

    def __init__(self, branches: Iterable[nn.Module]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, length, 1, 1): of each branch channel by channel, row by row."""
        return torch.cat([branch(x).flatten(1) for branch in self.branches], dim=1)[..., None, None]
