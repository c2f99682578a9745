"""Random crops whose position is keyed by the sample."""

from __future__ import annotations

import torch
from torch import Tensor

from darknet_py.ops.keyed import Keyed


class KeyedRandomCrop(Keyed):
    """Crops each image at a random position in training, and at the centre in evaluation."""

    def __init__(self, size: tuple[int, int], *, flip: bool, adjust: bool) -> None:
        super().__init__()
        self.size, self.flip, self.adjust = size, flip, adjust

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, crop_height, crop_width)."""
        if self.training:
            cropped = self._random_crop(x)
        else:
            height, width = self.size
            top, left = (x.shape[2] - height) // 2, (x.shape[3] - width) // 2
            cropped = x[:, :, top : top + height, left : left + width]
        return cropped * 2 - 1 if self.adjust else cropped

    def _random_crop(self, x: Tensor) -> Tensor:
        if not self.flip and self.size == x.shape[2:]:
            return x
        (height, width), crops = self.size, []
        samples = self.uniform((len(x), 3), like=x).tolist()
        for image, (down, across, side) in zip(x, samples, strict=True):
            top = int(down * (image.shape[1] - height + 1))
            left = int(across * (image.shape[2] - width + 1))
            crop = image[:, top : top + height, left : left + width]
            crops.append(crop.flip(-1) if self.flip and side < 0.5 else crop)
        return torch.stack(crops)
