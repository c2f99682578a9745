"""A function of maps as a torch module."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn


class Function(nn.Module):
    """A layer without parameters and without randomness: `forward` is the function."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *maps: Tensor) -> Tensor:
        """The function of the maps, (N, C, H, W) each."""
        return self.function(*maps)

    def extra_repr(self) -> str:
        """The function, for the printed form of the module."""
        return repr(self.function)
