"""Verdicts on differences: what the runs of two variants support, and no more.

A variant is called higher or lower only when the ranges over the seeds do not overlap. Two equal variants
with n and m seeds are separated like that, in one direction or the other, with chance 2 / C(n + m, n): of
all orders of n + m values, two keep the groups together. With 2 seeds each that is 1 in 3, and the sentence
says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb
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

    def overlaps(self, other: Spread) -> bool:
        """Whether the two ranges have a value in common."""
        return self.low <= other.high and other.low <= self.high


@dataclass(frozen=True)
class RangeVerdict:
    """What the runs support about a variant and its baseline in one metric.

    Args:
        outcome: "higher", "lower", "no difference" or "no statement".
    """

    variant: str
    baseline: str
    metric: str
    sentence: str
    outcome: str

    @property
    def differs(self) -> bool:
        """Whether the two ranges are disjoint."""
        return self.outcome in {"higher", "lower"}


def spread_of(values: Sequence[float | None]) -> Spread | None:
    """The spread of the values that are not None, or None when there are none.

    >>> spread_of([0.25, None, 0.75])
    Spread(values=(0.25, 0.75))
    """
    present = tuple(value for value in values if value is not None)
    return Spread(present) if present else None


def chance_of_separation(ours: int, theirs: int) -> Fraction:
    """The probability that two equal variants with this many seeds have disjoint ranges.

    >>> chance_of_separation(2, 2), chance_of_separation(3, 3), chance_of_separation(2, 3)
    (Fraction(1, 3), Fraction(1, 10), Fraction(1, 5))
    """
    return Fraction(2, comb(ours + theirs, ours))


def verdict(
    variant: str,
    baseline: str,
    *,
    metric: str,
    word: str,
    ours: Sequence[float | None],
    theirs: Sequence[float | None],
) -> RangeVerdict:
    """Compare two variants in one metric.

    Args:
        word: the metric's name in the sentence.
        ours: one value a seed, 0..1; None without ground truth.
        theirs: the same of the baseline.
    """
    outcome, sentence = _compare(spread_of(ours), spread_of(theirs), word)
    return RangeVerdict(variant, baseline, metric, sentence, outcome)


def _compare(ours: Spread | None, theirs: Spread | None, word: str) -> tuple[str, str]:
    """The outcome and the sentence."""
    if ours is None or theirs is None:
        return "no statement", f"no ground truth to measure {word} with: no statement"
    counts = len(ours.values), len(theirs.values)
    if min(counts) == 1:
        seeds = "one seed each" if max(counts) == 1 else f"{describe_seeds(*counts)}, and one has no range"
        return "no statement", f"{seeds}: no statement ({ours.mean:.3f} against {theirs.mean:.3f} {word})"
    ranges = f"{_format_ranges(ours, theirs)} {word}, {describe_seeds(*counts)}"
    if ours.overlaps(theirs):
        return "no difference", f"no difference we can see: {ranges}"
    outcome = "higher" if ours.low > theirs.high else "lower"
    chance = chance_of_separation(*counts)
    seeds = f"{counts[0]} seeds" if counts[0] == counts[1] else describe_seeds(*counts)
    share = f"{chance.numerator} of {chance.denominator}"
    chance_text = f"with {seeds} this happens by chance in {share} pairs of equal variants"
    return outcome, f"{outcome} in every seed ({ranges}); {chance_text}"


def _format_ranges(ours: Spread, theirs: Spread) -> str:
    """Both ranges with three decimals, or as many as disjoint ranges need to be printed as disjoint."""
    inner, outer = (ours.high, theirs.low) if ours.low < theirs.low else (theirs.high, ours.low)
    enough = (d for d in range(3, 9) if ours.overlaps(theirs) or f"{inner:.{d}f}" != f"{outer:.{d}f}")
    digits = next(enough, 9)
    texts = [f"{value.low:.{digits}f} .. {value.high:.{digits}f}" for value in (ours, theirs)]
    return " against ".join(texts)


def describe_seeds(ours: int, theirs: int) -> str:
    """The numbers of seeds of two variants, in words.

    >>> describe_seeds(2, 2), describe_seeds(1, 3)
    ('2 seeds each', '1 seed against 3')
    """
    word = "seed" if ours == 1 else "seeds"
    return f"{ours} {word} each" if ours == theirs else f"{ours} {word} against {theirs}"
