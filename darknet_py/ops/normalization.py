"""Local response normalisation."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def window_of(channels: int, size: int, *, missing: bool) -> Tensor:
    """The channels (columns) that are summed for each channel k (rows): k - (size - 1) // 2 to k + size // 2.

    Args:
        missing: as in Darknet's running sum, which never adds channel size // 2 and subtracts it from row
            `size` on.

    >>> window_of(3, 2, missing=False).tolist()
    [[1.0, 1.0, 0.0], [0.0, 1.0, 1.0], [0.0, 0.0, 1.0]]
    """
    row, column = torch.arange(channels).unsqueeze(1), torch.arange(channels)
    band = ((column >= row - (size - 1) // 2) & (column <= row + size // 2)).float()
    if missing and size // 2 < channels:
        band[:size, size // 2] = 0
        band[size:, size // 2] = -1
    return band


class LocalResponse(nn.Module):
    """x (kappa + alpha * band x²) ^ -beta, in float32 at least; the base is at least kappa / 10."""

    band: Tensor

    def __init__(self, band: Tensor, *, alpha: float, beta: float, kappa: float, cancels: bool) -> None:
        super().__init__()
        self.register_buffer("band", band, persistent=False)
        self.alpha, self.beta, self.kappa = alpha, beta, kappa
        self.cancels = cancels  # a difference of large sums needs float64

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same shape."""
        kind = "cpu" if x.device.type == "meta" else x.device.type  # the meta device has no autocast
        with torch.autocast(kind, enabled=False):
            exact = x.double() if self.cancels else x if x.dtype == torch.float64 else x.float()
            base = (self.kappa + self.alpha * self._window_sums(exact * exact)).clamp(min=self.kappa / 10)
            return (exact * base.pow(-self.beta)).to(x.dtype)

    def _window_sums(self, squares: Tensor) -> Tensor:
        band = self.band.to(squares.dtype)
        if self.cancels:  # onnxruntime has no convolution of float64
            return (band @ squares.flatten(2)).reshape(squares.shape)
        return nn.functional.conv2d(squares, band[:, :, None, None])
