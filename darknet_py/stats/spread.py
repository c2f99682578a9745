"""Values of one figure over seeds, with their mean and their range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean


@dataclass(frozen=True)
class Spread:
    """Values of one metric, with their mean and their range."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The arithmetic mean."""
        return fmean(self.values)

    @property
    def low(self) -> float:
        """The minimum."""
        return min(self.values)

    @property
    def high(self) -> float:
        """The maximum."""
        return max(self.values)

    @property
    def half_range(self) -> float:
        """Half of maximum minus minimum: of two values nothing more can be estimated."""
        return (self.high - self.low) / 2


def spread_of(values: Sequence[float | None]) -> Spread | None:
    """The spread of the values that are not None, or None when there are none.

    >>> spread_of([0.25, None, 0.75])
    Spread(values=(0.25, 0.75))
    """
    present = tuple(value for value in values if value is not None)
    return Spread(present) if present else None
