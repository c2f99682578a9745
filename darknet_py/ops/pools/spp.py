"""Several pools of one map, concatenated."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn


class ConcatWithInput(nn.Module):
    """Concatenates the outputs of its branches, then the input itself, along channels."""

    def __init__(self, branches: Iterable[nn.Module]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C * (branches + 1), H, W)."""
        return torch.cat([*(branch(x) for branch in self.branches), x], dim=1)


class GrownConcatWithInput(ConcatWithInput):
    """As `ConcatWithInput`; each branch also reads the output of the branch with the next smaller window."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C * (branches + 1), H, W)."""
        maps = [x]
        for branch in reversed(self.branches):
            maps.append(branch(x, *maps[1:][-1:]))
        return torch.cat(maps[::-1], dim=1)


class ConcatFlattened(nn.Module):
    """Concatenates the flattened outputs of its branches."""

    def __init__(self, branches: Iterable[nn.Module]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, length, 1, 1): of each branch channel by channel, row by row."""
        return torch.cat([branch(x).flatten(1) for branch in self.branches], dim=1)[..., None, None]
