"""The true boxes of a batch, as tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Truths:
    """True boxes, image by image, padded to the longest list.

    Args:
        boxes_cxcywh: (N, T, 4), fractions of the image as the network sees it.
        labels: (N, T), class indices; -1 where there is no box.
        shares: (N, T), how much of a classifier's truth a label is; they add up to 1 for each image.
    """

    boxes_cxcywh: Tensor
    labels: Tensor
    shares: Tensor

    @classmethod
    def of(cls, lists: Sequence[np.ndarray]) -> Truths:
        """From rows (T, 5 or 6) of each image, x, y, w, h, class, and share where it is not 1."""
        longest = max((len(rows) for rows in lists), default=0)
        table = np.zeros((len(lists), longest, 6), np.float32)
        table[:, :, 4] = -1
        for row, boxes in zip(table, lists, strict=True):
            if len(boxes):
                given = np.asarray(boxes, np.float32)
                row[: len(given), 5] = 1
                row[: len(given), : given.shape[1]] = given
        boxes_cxcywh, labels, shares = table[:, :, :4].copy(), table[:, :, 4].astype(np.int64), table[:, :, 5]
        return cls(*(torch.from_numpy(array) for array in (boxes_cxcywh, labels, shares.copy())))

    def to(self, device: torch.device | str) -> Truths:
        """The same on another device."""
        return Truths(self.boxes_cxcywh.to(device), self.labels.to(device), self.shares.to(device))

    def part(self, start: int, stop: int) -> Truths:
        """The truths of some images of the batch."""
        return Truths(self.boxes_cxcywh[start:stop], self.labels[start:stop], self.shares[start:stop])
