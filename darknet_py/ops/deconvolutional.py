"""Transposed convolutions."""

from __future__ import annotations

import torch
from torch import nn

from darknet_py.ops.learned import Learned

SPREAD = 0.02  # pjreddie's Darknet: the deviation of the first weights, before it scales them by the map


class Deconvolution(nn.ConvTranspose2d, Learned):
    """torch's, with weights that begin as Darknet's."""

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """Normal numbers of deviation 0.02 times stride², about how many times more cells come out."""
        scale = SPREAD * self.stride[0] * self.stride[1]
        self.weight.copy_(torch.randn(self.weight.shape, generator=generator) * scale)
        if self.bias is not None:
            self.bias.zero_()
