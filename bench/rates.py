"""Counts of wrong and of missed verdicts in studies whose truth is known."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from darknet_py.stats import Verdict, judging, quantiles, verdict

POINT = 0.01
NODES = 1 / np.geomspace(1, 1e4, 80)  # of 1 / df
HEAD = (
    "| runs | V, S | method | pairs | studies | plan | power | ranges | paired t | images |",
    "|---|---|---|---:|---:|---:|---:|---:|---:|---:|",
)


@dataclass
class Rates:
    """Counts of one cell of a table.

    Args:
        pairs: comparisons with the baseline; `false_pairs`: each by a 95 % interval of its own.
        false_studies: with a false verdict, by intervals that hold for all pairs at once.
        ranges, paired_t, images: studies with a false winner by three other rules.
        seen: studies that see the last variant once it is better by what was planned.
    """

    studies: int = 0
    pairs: int = 0
    false_pairs: int = 0
    false_studies: int = 0
    ranges: int = 0
    paired_t: int = 0
    images: int = 0
    seen: int = 0

    def count(self, values: np.ndarray, covariance: np.ndarray, images: int, effect: float) -> None:
        """Add a study of variants that do not differ.

        Args:
            values: (V, S); `covariance`: over images, (V S, V S).
            effect: that was planned; 0 for none.
        """
        found = verdict(values, covariance, images=images)
        comparisons = len(found)
        self.studies += 1
        self.pairs += comparisons
        self.false_pairs += sum(abs(one.effect) > half_width(one) for one in found)
        self.false_studies += any(one.low > 0 or one.high < 0 for one in found)
        self.seen += found[-1].low + effect > 0
        differences = values[1:] - values[0]
        seeds = values.shape[1]
        limits = (
            quantiles.dunnett_quantile(0.95, 1, seeds - 1)
            * differences.std(axis=1, ddof=1)
            / math.sqrt(seeds)
        )
        self.paired_t += bool((np.abs(differences.mean(axis=1)) > limits).any())
        low, high = values.min(axis=1), values.max(axis=1)
        self.ranges += bool(((low[1:] > high[0]) | (high[1:] < low[0])).any())
        spread = np.sqrt(variance_over_images(covariance, values.shape))
        self.images += bool((np.abs(differences.mean(axis=1)) > 1.959964 * spread).any())


def half_width(one: Verdict) -> float:
    """Of the interval that a pair has by itself, with the noise that the study found for it."""
    together = judging.dunnett_quantile(one.confidence, one.variants - 1, one.df)
    alone = judging.dunnett_quantile(one.confidence, 1, one.df)
    return (one.high - one.low) / 2 / together * alone


def interpolate_quantiles() -> None:
    """Let verdicts take quantiles from a table: to 1e-3, and ten times as fast."""
    tables: dict[tuple[float, int], np.ndarray] = {}

    def dunnett(confidence: float, comparisons: int, df: float) -> float:
        key = confidence, comparisons
        if key not in tables:
            ends = [quantiles.dunnett_quantile(*key, df) for df in (math.inf, *(1 / NODES[::-1]).tolist())]
            tables[key] = np.log(ends)
        return float(np.exp(np.interp(1 / df, np.append(0.0, NODES[::-1]), tables[key])))

    def student(probability: float, df: float) -> float:
        return dunnett(2 * probability - 1, 1, df)

    judging.dunnett_quantile, judging.t_quantile = dunnett, student


def variance_over_images(covariance: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Of the difference of each variant's mean from the baseline's, the trainings as they are, (V - 1,)."""
    variants, seeds = shape
    means = covariance.reshape(variants, seeds, variants, seeds).mean(axis=(1, 3))
    return np.asarray(means.diagonal()[1:] + means[0, 0] - 2 * means[0, 1:])


@dataclass(frozen=True)
class Row:
    """Studies of one kind and size.

    Args:
        name: of the kind; `shape`: (V, S).
        method: "nested" or "crossed".
        cells: of each number of images.
        plan: the effect that was planned with the second number of images.
    """

    name: str
    shape: tuple[int, int]
    method: str
    cells: tuple[Rates, ...]
    plan: float

    @property
    def pairs(self) -> list[float]:
        """False verdicts in 100 pairs, for each number of images."""
        return [100 * one.false_pairs / one.pairs for one in self.cells]

    @property
    def studies(self) -> list[float]:
        """Studies in 100 with a false verdict, for each number of images."""
        return [100 * one.false_studies / one.studies for one in self.cells]

    @property
    def others(self) -> tuple[float, ...]:
        """Power, and false studies by three other rules, with the second number of images, in 100."""
        one = self.cells[len(self.cells) // 2]
        return tuple(100 * count / one.studies for count in (one.seen, one.ranges, one.paired_t, one.images))

    def text(self) -> str:
        """As a row of the table: pairs and studies of each number of images, the rest of the second."""
        pairs, studies = (" / ".join(f"{it:.1f}" for it in rates) for rates in (self.pairs, self.studies))
        power, *others = (f"{it:.0f}" for it in self.others)
        shape, plan = "{}, {}".format(*self.shape), f"{self.plan / POINT:.1f}"
        return f"| {' | '.join([self.name, shape, self.method, pairs, studies, plan, power, *others])} |"


def summary(rows: Sequence[Row]) -> Iterator[str]:
    """A table of the mean rate in studies of each size, with the least and the greatest."""
    yield "| V, S | method | pairs | studies | power | ranges | paired t | images |"
    yield "|---|---|---:|---:|---:|---:|---:|---:|"
    for shape in dict.fromkeys(row.shape for row in sorted(rows, key=lambda one: one.shape)):
        some = [row for row in rows if row.shape == shape]
        pairs, studies = ([it for row in some for it in getattr(row, key)] for key in ("pairs", "studies"))
        ends = [f"{fmean(it):.1f} ({min(it):.1f} to {max(it):.1f})" for it in (pairs, studies)]
        columns = zip(*(row.others for row in some), strict=True)
        ends += [f"{fmean(it):.0f} ({min(it):.0f} to {max(it):.0f})" for it in columns]
        yield f"| {' | '.join(['{}, {}'.format(*shape), some[0].method, *ends])} |"
