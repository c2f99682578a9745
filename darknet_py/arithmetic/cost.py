"""What a layer costs: floats in the weights file, and operations."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """Adds like a number.

    Args:
        parameters: floats of the `.weights` file, batch normalisation's running statistics included.
        trainable: those of them that training changes.
        macs: multiply-adds of convolutions and dense layers, for one image (1 MAC = 2 FLOPs).
        others: the further operations that AlexeyAB's count adds (pools: window cells; shortcuts: additions).
    """

    parameters: int = 0
    trainable: int = 0
    macs: int = 0
    others: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.parameters + other.parameters,
            self.trainable + other.trainable,
            self.macs + other.macs,
            self.others + other.others,
        )

    @property
    def bflops_conv(self) -> float:
        """Convolutions alone, as pjreddie's Darknet counts: 2 x MACs / 1e9."""
        return 2 * self.macs / 1e9

    @property
    def bflops(self) -> float:
        """All layers, as AlexeyAB's Darknet counts."""
        return (2 * self.macs + self.others) / 1e9
