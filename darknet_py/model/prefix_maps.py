"""What the layers from one on read of those before it: a batch that is computed half."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor


@dataclass(frozen=True)
class PrefixMaps:
    """The maps of a batch before a layer, in place of its images; sliced and counted like a tensor of images.

    Args:
        maps: (N, C, H, W) by the index of their layer, -1 for the images.
        layer: the first that has not been computed.
        shape: of the images.
    """

    maps: Mapping[int, Tensor]
    layer: int
    shape: torch.Size

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, images: slice) -> PrefixMaps:
        maps = {index: one[images] for index, one in self.maps.items()}
        count = len(range(*images.indices(len(self))))
        return PrefixMaps(maps, self.layer, torch.Size((count, *self.shape[1:])))

    @property
    def device(self) -> torch.device:
        """Where the maps are."""
        return next(iter(self.maps.values())).device


Inputs: TypeAlias = Tensor | PrefixMaps
