"""Studies that grow: seeds are added in stages, with a verdict after each and one error over all of them.

Whoever looks after each seed and stops at the first verdict is wrong far more often than one time in twenty.
So the error is spent in parts: after s of S seeds, `error * (s / S) ** EXPONENT` of it. The part of each look
becomes the level of its intervals, with what the looks have in common allowed for, as for a sum of
independent normal variables; at that level the verdict has its own degrees of freedom.

Lan and DeMets, "Discrete sequential boundaries for clinical trials", Biometrika 70 (1983) 659; the function:
Kim and DeMets, "Design and analysis of group sequential tests based on the type I error spending rate
function", Biometrika 74 (1987) 149; levels in the place of boundaries, where the variance is estimated:
Jennison and Turnbull, "Group sequential methods", 2000, section 4.4.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

import numpy as np

from darknet_py.stats.components import Doubles, Study, is_crossed
from darknet_py.stats.judging import Criterion, Verdict, judge_pair
from darknet_py.stats.planning import StudySize, expected_noise
from darknet_py.stats.quantiles import dunnett_quantile

ERROR = 0.05  # over all looks and variants
EXPONENT = 1.5  # of the spending function, by simulation: bench/sequential.py
FEWEST_SEEDS = 2  # of the first look
LOOKS = (
    FEWEST_SEEDS,
    3,
    4,
    6,
    8,
    12,
    16,
    24,
    32,
    48,
)  # seeds of each variant; the last look is at the most seeds
HOPELESS = 0.1  # the chance of a verdict at the last look below which a variant gets no more seeds
NODES = 401  # of a density
CLOSE = 1e-12

Reason = Literal["resolved", "hopeless", "last", "waiting"]


@dataclass(frozen=True)
class Looks:
    """When a study is looked at.

    Args:
        seeds: of each variant, at each look.
        error, exponent: what is spent after a share t of the seeds: `error * t ** exponent`.
    """

    seeds: tuple[int, ...]
    error: float = ERROR
    exponent: float = EXPONENT

    @classmethod
    def up_to(cls, most: int, error: float = ERROR, exponent: float = EXPONENT) -> Looks:
        """Those of a study of at most so many seeds.

        >>> Looks.up_to(10).seeds
        (2, 3, 4, 6, 8, 10)
        """
        return cls((*(seeds for seeds in LOOKS if seeds < most), most), error, exponent)

    @property
    def levels(self) -> tuple[float, ...]:
        """Of each look: how often an interval may be wrong."""
        return levels_of(self.seeds, self.error, self.exponent)


@cache
def levels_of(looks: tuple[int, ...], error: float = ERROR, exponent: float = EXPONENT) -> tuple[float, ...]:
    """The two-sided level of each look, so that all of them together are wrong so often.

    >>> [round(level, 4) for level in levels_of((3, 6))]
    [0.0177, 0.0402]
    """
    times = [seeds / looks[-1] for seeds in looks]
    levels: list[float] = []
    places, density, before, spent = np.zeros(1), np.ones(1), 0.0, 0.0
    for time in times:
        step, target = math.sqrt(time - before), error * time**exponent
        bound = _bound(places, density, step, target - spent)
        levels.append(math.erfc(bound / math.sqrt(2 * time)))
        grid = np.linspace(-bound, bound, NODES)
        kernel = np.exp(-(((grid[:, None] - places) / step) ** 2) / 2) / (step * math.sqrt(2 * math.pi))
        weights = np.full(NODES, grid[1] - grid[0])
        weights[[0, -1]] /= 2
        places, density, before, spent = grid, (kernel @ density) * weights, time, target
    return tuple(levels)


def _bound(places: Doubles, density: Doubles, step: float, chance: float) -> float:
    """What a sum exceeds on either side, in its next step, with this chance.

    Args:
        places, density: where it is, if it has not exceeded a bound before.
    """
    low, high = 0.0, float(abs(places).max()) + 12 * step
    while high - low > CLOSE:
        middle = (low + high) / 2
        ends = [(middle - sign * places) / (step * math.sqrt(2)) for sign in (1, -1)]
        beyond = sum(float(density @ [math.erfc(end) / 2 for end in side.tolist()]) for side in ends)
        low, high = (middle, high) if beyond > chance else (low, middle)
    return high


@dataclass(frozen=True)
class StagedVerdict:
    """The verdict on a variant at its last look.

    Args:
        look: how many looks there were at it.
        reason: why there is no further one: "resolved"; "hopeless": more seeds would hardly change that it
            is unclear; "last": the most seeds are reached. Or "waiting" for the next look.
    """

    result: Verdict
    look: int
    reason: Reason


@dataclass(frozen=True)
class Stage:
    """What has to be finished before the next look: so many seeds of these variants."""

    seeds: int
    variants: tuple[int, ...]


@dataclass(frozen=True)
class SequentialStudy:
    """A study after its last look.

    Args:
        verdicts: by variant, without those that were never looked at.
        failed: the variants that left for lack of a score.
        stage: what comes next; None: nothing.
    """

    verdicts: Mapping[int, StagedVerdict]
    failed: tuple[int, ...]
    stage: Stage | None


def replay(
    values: Doubles,
    covariance: Doubles,
    looks: Looks,
    *,
    margin: float,
    paired: bool = True,
    images: float = math.inf,
) -> SequentialStudy:
    """Look at a study after each of its stages, as far as its runs have been finished.

    A variant leaves at its look: its verdict is of the seeds that it and the baseline had then. The error is
    that of all variants of the study also after some have left it.

    Args:
        values: a score of every run, (V, S), the baseline first; NaN: it has not been finished, infinite: it
            has failed, and its variant leaves.
        covariance: of the scores over images, (V, S, V, S).
        paired, images: as of `verdict`.
    """
    active, found, failed = list(range(1, len(values))), dict[int, StagedVerdict](), list[int]()
    for look, (seeds, level) in enumerate(zip(looks.seeds, looks.levels, strict=True), start=1):
        scores = values[:, :seeds]
        failed += [row for row in active if np.isinf(scores[[0, row]]).any()]
        active = [row for row in active if row not in failed]
        if not active:
            break
        rows = [0, *active]
        if scores.shape[1] < seeds or np.isnan(scores[rows]).any():
            return SequentialStudy(found, tuple(failed), Stage(seeds, tuple(rows)))
        noise = covariance[np.ix_(rows, range(seeds), rows, range(seeds))]
        study = Study(scores[rows], noise, is_crossed(len(rows), seeds, paired=paired), images)
        criterion = Criterion(margin, 1 - level, comparisons=len(values) - 1)
        for at, row in enumerate(active, start=1):
            one = judge_pair(study, at, 0, criterion)
            reason = _reason(one, looks, criterion)
            found[row] = StagedVerdict(replace(one, variant=row, variants=len(values)), look, reason)
        active = [row for row in active if found[row].reason == "waiting"]
    return SequentialStudy(found, tuple(failed), None)


def _reason(one: Verdict, looks: Looks, criterion: Criterion) -> Reason:
    """Whether a variant goes on after a look."""
    most, margin = looks.seeds[-1], criterion.margin
    if one.outcome != "unclear":
        return "resolved"
    if one.seeds == most:
        return "last"
    within = -margin <= one.low and one.high <= margin
    if math.isinf(one.visible) or within:  # more seeds do not make networks learn
        return "hopeless"
    # The mean over all seeds is the mean so far and that of seeds to come.
    deviation, df = expected_noise(one.parts, StudySize(one.variants, most))
    now, _ = expected_noise(one.parts, StudySize(one.variants, one.seeds))
    half = dunnett_quantile(1 - looks.levels[-1], criterion.comparisons, df) * deviation
    spread = math.sqrt(max(now**2 - deviation**2, 0.0)) or CLOSE
    chance = 1 - _between(-half, half, one.effect, spread)
    if margin > half:
        chance += _between(half - margin, margin - half, one.effect, spread)
    return "hopeless" if chance < HOPELESS else "waiting"


def _between(low: float, high: float, mean: float, deviation: float) -> float:
    """The chance of a normal variable to lie between two values."""
    ends = [(end - mean) / (deviation * math.sqrt(2)) for end in (low, high)]
    return (math.erf(ends[1]) - math.erf(ends[0])) / 2
