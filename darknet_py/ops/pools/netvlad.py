"""Vectors of locally aggregated descriptors, with a soft assignment."""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darknet_py.ops.learned import Learned

EPSILON = 1e-6  # the smallest length that is divided by; a shorter vector has no direction in float16


class Vlad(Learned):
    """Residuals of K clusters, D numbers each, without a tensor of N x K x D x cells."""

    def __init__(self, clusters: int, depth: int, *, alpha: float, normalize_input: bool) -> None:
        super().__init__()
        self.alpha = alpha
        self.prepare = partial(F.normalize, dim=1, eps=EPSILON) if normalize_input else nn.Identity()
        self.weight = nn.Parameter(torch.empty(clusters, depth))
        self.bias = nn.Parameter(torch.empty(clusters))
        self.centres = nn.Parameter(torch.empty(clusters, depth))
        with torch.no_grad():
            self.initialise(torch.Generator().manual_seed(0))

    def forward(self, x: Tensor) -> Tensor:
        """(N, D, H, W) to (N, K * D, 1, 1)."""
        descriptors = self.prepare(x.flatten(2))
        assigned = (self.weight @ descriptors + self.bias[:, None]).softmax(dim=1)  # (N, K, cells)
        residuals = assigned @ descriptors.transpose(1, 2) - assigned.sum(dim=2, keepdim=True) * self.centres
        vectors = F.normalize(residuals, dim=2, eps=EPSILON).flatten(1)
        return F.normalize(vectors, dim=1, eps=EPSILON)[..., None, None]

    def initialise(self, generator: torch.Generator) -> None:
        """Centres in random directions, and an assignment to the nearest of them."""
        centres = F.normalize(torch.randn(self.centres.shape, generator=generator), dim=1)
        self.centres.copy_(centres)
        self.weight.copy_(2 * self.alpha * centres)
        self.bias.copy_(-self.alpha * centres.square().sum(dim=1))
