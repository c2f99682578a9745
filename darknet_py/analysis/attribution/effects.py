"""Differences of AP with intervals over images, from the matches of every change on the same images."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from darknet_py.scoring.matches import Matches
from darknet_py.stats.covariance import covariance_of_matches
from darknet_py.stats.quantiles import t_quantile

CONFIDENCE = 0.95
NORMAL = t_quantile(0.5 + CONFIDENCE / 2, math.inf)


@dataclass(frozen=True)
class Effect:
    """A difference of AP, 0..1, and its interval over images: what another draw of images would change."""

    value: float
    low: float
    high: float

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {"value": self.value, "low": self.low, "high": self.high}


class Effects:
    """The AP of each change, and their joint noise.

    Args:
        matches: by name, all of the same images.
        figure: of AP, as `FIGURE_CELLS` names them.
    """

    def __init__(self, matches: Mapping[str, Matches], figure: str = "ap") -> None:
        self.at = {name: number for number, name in enumerate(matches)}
        noise = covariance_of_matches(list(matches.values()), figure)
        self.values, self.covariance, self.warnings = noise.values, noise.covariance, noise.warnings

    def ap(self, name: str) -> float:
        """The AP after a change."""
        return float(self.values[self.at[name]])

    def lost(self, name: str, *, of: str) -> Effect:
        """The AP of `of` minus that of a change."""
        return self.combined({of: 1.0, name: -1.0})

    def combined(self, weights: Mapping[str, float]) -> Effect:
        """A weighted sum of the APs of several changes."""
        row = np.zeros(len(self.values))
        for name, weight in weights.items():
            row[self.at[name]] += weight
        used = row != 0  # an AP that is not known makes only its own sums unknown
        value = float(row[used] @ self.values[used])
        deviation = math.sqrt(max(float(row[used] @ self.covariance[np.ix_(used, used)] @ row[used]), 0.0))
        return Effect(value, value - NORMAL * deviation, value + NORMAL * deviation)


def shapley_weights(players: int, player: int) -> dict[frozenset[int], float]:
    """What each subset counts in the Shapley value of a player: the mean gain over all orders of joining.

    Shapley, "A value for n-person games", 1953.

    >>> shapley_weights(2, 0)[frozenset({0, 1})], shapley_weights(2, 0)[frozenset({1})]
    (0.5, -0.5)
    """
    weights: dict[frozenset[int], float] = {}
    others = [one for one in range(players) if one != player]
    for bits in range(1 << len(others)):
        without = frozenset(one for number, one in enumerate(others) if bits >> number & 1)
        before = math.factorial(len(without)) * math.factorial(players - len(without) - 1)
        weights[without | {player}] = before / math.factorial(players)
        weights[without] = -before / math.factorial(players)
    return weights
