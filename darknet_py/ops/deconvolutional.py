"""Transposed convolutions."""

from __future__ import annotations

import torch
from torch import nn

from darknet_py.ops.learned import Learned

SPREAD = 0.02  # pjreddie's Darknet: standard deviation of the initial weights, before it scales them


class Deconvolution(nn.ConvTranspose2d, Learned):
    """torch's transposed convolution, initialised as in Darknet."""

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """Normal with a standard deviation of 0.02 times stride², about the growth of the map."""
        scale = SPREAD * self.stride[0] * self.stride[1]
        self.weight.copy_(torch.randn(self.weight.shape, generator=generator) * scale)
        if self.bias is not None:
            self.bias.zero_()
