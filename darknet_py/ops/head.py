"""Tensor arithmetic that the detection heads share."""

from __future__ import annotations

import torch
from torch import Tensor


def cell_corners(raw: Tensor) -> Tensor:
    """(x, y) of every cell's corner in cells, (H, W, 1, 2), for a map (N, C, H, W)."""
    h, w = raw.shape[-2:]
    rows, columns = torch.arange(h, device=raw.device), torch.arange(w, device=raw.device)
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    return torch.stack([x, y], dim=-1).unsqueeze(2).to(raw.dtype)
