"""A window of each image, drawn by its key."""

from __future__ import annotations

import torch
from torch import Tensor

from darknet_py.ops.keyed import Keyed


class KeyedRandomCrop(Keyed):
    """Draws a place in training, takes the middle in evaluation."""

    def __init__(self, size: tuple[int, int], *, flip: bool, adjust: bool) -> None:
        super().__init__()
        self.size, self.flip, self.adjust = size, flip, adjust

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, crop_height, crop_width)."""
        cut = self._drawn(x) if self.training else self._middle(x)
        return cut * 2 - 1 if self.adjust else cut

    def _middle(self, x: Tensor) -> Tensor:
        high, wide = self.size
        top, left = (x.shape[2] - high) // 2, (x.shape[3] - wide) // 2
        return x[:, :, top : top + high, left : left + wide]

    def _drawn(self, x: Tensor) -> Tensor:
        if not self.flip and self.size == x.shape[2:]:
            return x
        (high, wide), cuts = self.size, []
        for image, (down, across, side) in zip(x, self.uniform((len(x), 3), like=x).tolist(), strict=True):
            top = int(down * (image.shape[1] - high + 1))
            left = int(across * (image.shape[2] - wide + 1))
            cut = image[:, top : top + high, left : left + wide]
            cuts.append(cut.flip(-1) if self.flip and side < 0.5 else cut)
        return torch.stack(cuts)
