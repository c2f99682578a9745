"""Modules that know how their own weights begin."""

from __future__ import annotations

import torch
from torch import nn


class Learned(nn.Module):
    """A module with weights that are no convolution's, which `initialise` gives their first values."""

    def initialise(self, generator: torch.Generator) -> None:
        """Set the weights, in place; whatever is random is drawn from `generator` alone."""
        raise NotImplementedError(f"{type(self).__name__} does not say how its weights begin")
