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
    """

    boxes_cxcywh: Tensor
    labels: Tensor

    @classmethod
    def of(cls, lists: Sequence[np.ndarray]) -> Truths:
        """From one array (T, 5) an image, rows x, y, w, h, class."""
        longest = max((len(rows) for rows in lists), default=0)
        table = np.zeros((len(lists), longest, 5), np.float32)
        table[:, :, 4] = -1
        for row, boxes in zip(table, lists, strict=True):
            row[: len(boxes)] = boxes
        return cls(
            torch.from_numpy(table[:, :, :4].copy()), torch.from_numpy(table[:, :, 4].astype(np.int64))
        )

    def to(self, device: torch.device | str) -> Truths:
        """The same on another device."""
        return Truths(self.boxes_cxcywh.to(device), self.labels.to(device))

    def part(self, start: int, stop: int) -> Truths:
        """The truths of some images of the batch."""
        return Truths(self.boxes_cxcywh[start:stop], self.labels[start:stop])
