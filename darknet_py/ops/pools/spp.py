"""Several pools of one map, concatenated."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn


class Branches(nn.Module):
    """Several modules that read the same map."""

    def __init__(self, branches: Iterable[nn.Module]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)


class ConcatWithInput(Branches):
    """Concatenates the outputs of its branches, then the input itself, along channels."""

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


class ConcatFlattened(Branches):
    """Concatenates the flattened outputs of its branches."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, length, 1, 1): the branches in order, each by channels, then by rows."""
        return torch.cat([branch(x).flatten(1) for branch in self.branches], dim=1)[..., None, None]
