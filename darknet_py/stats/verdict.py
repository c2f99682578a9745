"""Words about a difference: what the runs of two variants allow us to say, and no more.

A winner is called only when the ranges over the seeds do not overlap. Two equal variants with n and m seeds
come apart like that, in one direction or the other, with the chance 2 / C(n + m, n): of all the ways to mix
n + m values, two leave the groups whole. With 2 seeds each it is 1 in 3, and the sentence says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb
from statistics import fmean


@dataclass(frozen=True)
class Spread:
    """Some values of one metric: their mean and their range."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The arithmetic mean."""
        return fmean(self.values)

    @property
    def low(self) -> float:
        """The least value."""
        return min(self.values)

    @property
    def high(self) -> float:
        """The greatest value."""
        return max(self.values)

    @property
    def half_range(self) -> float:
        """Half of greatest minus least: for two values the honest spread."""
        return (self.high - self.low) / 2


@dataclass(frozen=True)
class Verdict:
    """What can be said of a variant and its baseline in one metric.

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
        """Whether the ranges of the two lie apart."""
        return self.outcome in {"higher", "lower"}


def spread(values: Sequence[float | None]) -> Spread | None:
    """The spread of the values that are there, or None when there is none.

    >>> spread([0.25, None, 0.75])
    Spread(values=(0.25, 0.75))
    """
    there = tuple(value for value in values if value is not None)
    return Spread(there) if there else None


def chance(ours: int, theirs: int) -> Fraction:
    """How often two equal variants come fully apart by chance, with so many seeds.

    >>> chance(2, 2), chance(3, 3), chance(2, 3)
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
) -> Verdict:
    """Say what one metric, in words `word`, allows; `ours` and `theirs` are one value a seed, 0..1."""
    outcome, sentence = _judge(spread(ours), spread(theirs), word)
    return Verdict(variant, baseline, metric, sentence, outcome)


def _judge(ours: Spread | None, theirs: Spread | None, word: str) -> tuple[str, str]:
    if ours is None or theirs is None:
        return "no statement", f"no truth to measure {word} with: no statement"
    counts = len(ours.values), len(theirs.values)
    if min(counts) == 1:
        who = "one seed each" if max(counts) == 1 else f"{seed_counts(*counts)}, and one has no range"
        return "no statement", f"{who}: no statement ({ours.mean:.3f} against {theirs.mean:.3f} {word})"
    figures = f"{_ranges(ours, theirs)} {word}, {seed_counts(*counts)}"
    if ours.low <= theirs.high and theirs.low <= ours.high:
        return "no difference", f"no difference we can see: {figures}"
    outcome = "higher" if ours.low > theirs.high else "lower"
    return outcome, f"{outcome} in every seed ({figures}); {chance_in_words(*counts)}"


def _ranges(ours: Spread, theirs: Spread) -> str:
    """Three decimals, or as many as keep two ranges apart that lie apart."""
    apart = ours.low > theirs.high or theirs.low > ours.high
    near, far = (ours.high, theirs.low) if ours.low < theirs.low else (theirs.high, ours.low)
    digits = next((d for d in range(3, 9) if not apart or f"{near:.{d}f}" != f"{far:.{d}f}"), 9)
    texts = [f"{value.low:.{digits}f} .. {value.high:.{digits}f}" for value in (ours, theirs)]
    return " against ".join(texts)


def seed_counts(ours: int, theirs: int) -> str:
    """Name how many seeds stand against how many.

    >>> seed_counts(2, 2), seed_counts(1, 3)
    ('2 seeds each', '1 seed against 3')
    """
    if ours == theirs:
        return f"{ours} seed{'s' * (ours > 1)} each"
    return f"{ours} seed{'s' * (ours > 1)} against {theirs}"


def chance_in_words(ours: int, theirs: int) -> str:
    """Say how often equal variants come apart like this.

    >>> chance_in_words(2, 2)
    'with 2 seeds this happens by chance in 1 of 3 pairs of equal variants'
    """
    odds = chance(ours, theirs)
    seeds = f"{ours} seeds" if ours == theirs else seed_counts(ours, theirs)
    share = f"{odds.numerator} of {odds.denominator}"
    return f"with {seeds} this happens by chance in {share} pairs of equal variants"
