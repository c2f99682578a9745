"""Quantiles of Student's t, of Dunnett's greatest |t|, and of F, with any degrees of freedom, without scipy.

Each is an integral over the distribution of an estimated deviation. On a logarithmic scale the integrand is
smooth and vanishes on both sides, where the trapezoid rule converges exponentially: the values are exact to
six digits (of F to four), and unlike simulated ones the same in every version of numpy.

Dunnett, "A multiple comparison procedure for comparing several treatments with a control", Journal of the
American Statistical Association 50 (1955) 1096.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]

DENSITY = 4  # nodes of a deviation, per its own standard deviation of about 1 / sqrt(2 df), times sqrt(2)
WIDEST = 9.0  # a normal variable beyond it has a chance of 1e-19
STEP = 0.0005  # of the table of the normal distribution: an error of 1e-8
NORMALS = np.linspace(-8.0, 8.0, 17)  # nodes of the normal variable that comparisons with a control share
FINE_NODES = 4096  # where a distribution is interpolated between nodes
SMALLEST, LARGEST = 1e-4, 1e5  # quantiles that are searched
MOST_STEPS, NEAR = 100, 1e-12


@cache
def dunnett_quantile(confidence: float, comparisons: int, df: float) -> float:
    """What the greatest |t| of comparisons with one control stays below with this probability.

    The comparisons share the control's error: of equal size, they have a correlation of 1/2. Of a single
    comparison it is the two-sided quantile of Student's t.

    >>> round(dunnett_quantile(0.95, 1, 10), 3), round(dunnett_quantile(0.95, 4, 10), 2)
    (2.228, 2.89)

    Args:
        df: degrees of freedom, not necessarily whole; `inf` for a deviation that is known.
    """
    scales, chances = _deviations(df)
    density = np.exp(-(NORMALS**2) / 2)
    shares = density / density.sum()

    def alone(limit: float) -> float:
        return float(chances @ (2 * _normal(limit * scales) - 1))

    def together(limit: float) -> float:
        # T_i = (Z_i - Z_0) / sqrt(2): given the shared Z_0 the comparisons are independent.
        ends = math.sqrt(2) * limit * scales[:, None]
        inside = (_normal(ends + NORMALS) - _normal(NORMALS - ends)) ** comparisons
        return float(chances @ (inside @ shares))

    if comparisons == 1:
        return _solve(alone, confidence, SMALLEST, LARGEST)
    bonferroni = 1 - (1 - confidence) / comparisons
    return _solve(
        together, confidence, dunnett_quantile(confidence, 1, df), dunnett_quantile(bonferroni, 1, df)
    )


def t_quantile(probability: float, df: float) -> float:
    """What Student's t stays below with a probability of more than one half.

    >>> round(t_quantile(0.8, 2), 3)
    1.061
    """
    return dunnett_quantile(2 * probability - 1, 1, df)


@cache
def f_quantile(probability: float, above: float, below: float) -> float:
    """What the quotient of two mean squares stays below.

    >>> round(f_quantile(0.95, 2, 10), 2)
    4.1

    Args:
        above, below: degrees of freedom of the numerator and the denominator.
    """
    scales, chances = _deviations(above, FINE_NODES)
    cumulated = np.cumsum(chances) - chances / 2
    others, weights = _deviations(below, FINE_NODES)

    def probability_of(limit: float) -> float:
        ends = np.log(others) + math.log(limit) / 2
        return float(weights @ np.interp(ends, np.log(scales), cumulated, left=0.0, right=1.0))

    return _solve(probability_of, probability, SMALLEST, LARGEST)


def _deviations(df: float, nodes: int = 0) -> tuple[Doubles, Doubles]:
    """Nodes of sqrt(chi-square / df), and the probability of each; `nodes`: at least as many."""
    if math.isinf(df):
        return np.ones(1), np.ones(1)
    spread = 8 / math.sqrt(2 * df)
    least = -spread - 30 / df
    count = max(nodes, math.ceil(DENSITY * math.sqrt(df) * (spread - least)))
    logs = np.linspace(least, spread, count)
    with np.errstate(over="ignore"):
        density = np.exp(df * (logs + 0.5 - np.exp(2 * logs) / 2))
    return np.exp(logs), density / density.sum()


@cache
def _normal_table() -> tuple[Doubles, Doubles]:
    places = np.arange(-WIDEST, WIDEST + STEP / 2, STEP)
    return places, np.array([math.erfc(-place / math.sqrt(2)) / 2 for place in places.tolist()])


def _normal(values: Doubles) -> Doubles:
    """The distribution function of the normal distribution."""
    return np.interp(values, *_normal_table())


def _solve(function: Callable[[float], float], value: float, low: float, high: float) -> float:
    """Where an ascending function has a value, by the Illinois method on a logarithmic scale."""
    left, right = math.log(low), math.log(high)
    under, over = function(low) - value, function(high) - value
    side = 0
    for _ in range(MOST_STEPS):
        middle = (left * over - right * under) / (over - under)
        found = function(math.exp(middle)) - value
        if abs(found) < NEAR or right - left < NEAR:
            break
        now = 1 if found > 0 else -1
        if now > 0:  # an end that is kept twice counts half, or it would stay for good
            right, over, under = middle, found, under / 2 if now == side else under
        else:
            left, under, over = middle, found, over / 2 if now == side else over
        side = now
    return math.exp(middle)
