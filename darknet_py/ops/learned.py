"""Modules that initialise their own parameters."""

from __future__ import annotations

import torch
from torch import nn


class Learned(nn.Module):
    """A module with parameters other than a convolution's; `initialise` sets their first values."""

    def initialise(self, generator: torch.Generator) -> None:
        """Set the parameters in place; random numbers come from `generator` alone."""
        raise NotImplementedError(f"{type(self).__name__} does not implement `initialise`")
