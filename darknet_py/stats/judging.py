"""Verdicts on variants of a network: the effect on a score, an interval, and what the study could have seen.

The interval answers: what would the difference be if both were trained again, with other seeds, and evaluated
on other images like these? The method and its sources are in `components.py`, its error rates in
docs/statistics.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from darknet_py.errors import UsageError
from darknet_py.stats.caveats import Caveat
from darknet_py.stats.components import Doubles, Parts, Study, is_crossed
from darknet_py.stats.quantiles import dunnett_quantile, t_quantile

Outcome = Literal["better", "worse", "same", "unclear"]
POWER = 0.8  # of the smallest visible effect
ROUNDING = 1e-9  # of a covariance, relative to its greatest value


@dataclass(frozen=True)
class Verdict:
    """What a study says about a variant and its baseline.

    Args:
        variant: its row in the values.
        outcome: "same": the interval lies within the margin; "better" or "worse": it lies on one side of 0;
            "unclear": the study cannot tell.
        caveat: why it is not "same" although the interval is narrow, or what else limits it; mostly "".
        effect: the variant's mean minus the baseline's.
        low, high: the interval, which holds for all variants of the study at once; without bounds where
            nothing is known of the noise.
        df: degrees of freedom of the noise; `inf` where only images were looked at.
        method: whether seeds were treated as nested in variants, or as crossed with them.
        visible: the smallest effect that `POWER` of such studies would see.
        seeds: how many of each variant; of one, the interval is about the images alone.
        alone: whether the noise is that of the two variants alone, for they are noisier than the others.
        parts: where the noise comes from, for `planning.py`.
        variants: of the study, with the baseline.
    """

    variant: int
    outcome: Outcome
    effect: float
    low: float
    high: float
    confidence: float
    df: float
    method: Literal["nested", "crossed"]
    visible: float
    seeds: int
    alone: bool
    parts: Parts
    variants: int
    caveat: str = ""


def verdict(
    values: npt.ArrayLike,
    covariance: npt.ArrayLike,
    *,
    baseline: int = 0,
    margin: float = 0.005,
    confidence: float = 0.95,
    paired: bool = True,
    images: float = math.inf,
) -> tuple[Verdict, ...]:
    """Compare every variant with the baseline.

    >>> images = 1e-5 * np.eye(4)
    >>> verdict([[0.40, 0.41], [0.52, 0.51]], images)[0].outcome
    'better'

    Args:
        values: a score of every run, (V, S).
        covariance: of the scores over images, (V S, V S), runs in the order of `values`.
        baseline: its row.
        margin: a difference of at most this is none for practical purposes.
        confidence: of all intervals at once.
        paired: whether the runs of a seed share order, draws and first weights in all variants. Seeds are
            then treated as crossed if (V - 1)(S - 1) is 4 or more, whatever the values are.
        images: from which the covariance was estimated; `inf` where it is known.

    Returns: one verdict a variant, without the baseline.
    Raises:  UsageError: when the arrays do not belong together, or are not finite.
    """
    scores, noise = np.asarray(values, float), np.asarray(covariance, float)
    _check_arrays(scores, noise)
    _check_settings(len(scores), baseline, margin, confidence)
    if images < 2:
        raise UsageError(f"images is {images:g}, expected 2 or more: one says nothing about others")
    variants, seeds = scores.shape
    crossed = is_crossed(variants, seeds, paired=paired)
    study = Study(scores, noise.reshape(variants, seeds, variants, seeds), crossed, images)
    others = [at for at in range(variants) if at != baseline]
    criterion = Criterion(margin, confidence, comparisons=variants - 1)
    return tuple(judge_pair(study, at, baseline, criterion) for at in others)


@dataclass(frozen=True)
class Criterion:
    """How a difference is judged.

    Args:
        margin: a difference of at most this is none for practical purposes.
        confidence: of the intervals of all comparisons at once.
        comparisons: with the baseline; in a sequential study as many as at its begin.
    """

    margin: float
    confidence: float
    comparisons: int


def judge_pair(study: Study, variant: int, baseline: int, criterion: Criterion) -> Verdict:
    """The verdict on one variant of a study."""
    noise = study.noise(variant, baseline)
    caveat = Caveat.of(study, noise, variant, baseline, criterion.margin)
    effect = float(study.values[variant].mean() - study.values[baseline].mean())
    deviation = math.inf if caveat.unbounded else math.sqrt(max(noise.variance, 0.0))
    critical = dunnett_quantile(criterion.confidence, criterion.comparisons, noise.df)
    low, high = effect - critical * deviation, effect + critical * deviation
    outcome = _outcome(low, high, criterion.margin)
    return Verdict(
        variant=variant,
        outcome="unclear" if caveat.text and outcome == "same" else outcome,
        effect=effect,
        low=low,
        high=high,
        confidence=criterion.confidence,
        df=noise.df,
        method="crossed" if study.crossed else "nested",
        visible=(critical + t_quantile(POWER, noise.df)) * deviation,
        seeds=study.values.shape[1],
        alone=noise.alone,
        parts=noise.parts,
        variants=len(study.values),
        caveat=caveat.text,
    )


def _outcome(low: float, high: float, margin: float) -> Outcome:
    if -margin <= low and high <= margin:
        return "same"
    if low > 0:
        return "better"
    return "worse" if high < 0 else "unclear"


def _check_arrays(values: Doubles, covariance: Doubles) -> None:
    if values.ndim != 2 or len(values) < 2 or not values.shape[1]:
        raise UsageError(f"values have the shape {values.shape}, expected (V, S) with two variants or more")
    runs = values.size
    if covariance.shape != (runs, runs):
        raise UsageError(f"covariance has the shape {covariance.shape}, expected {(runs, runs)}: all runs")
    if bad := np.argwhere(~np.isfinite(values)).tolist():
        places = ", ".join(f"variant {variant} seed {seed}" for variant, seed in bad)
        hint = "leave out the seeds that not every variant has finished"
        raise UsageError(f"values are missing or not finite: {places}", hint=hint)
    if not np.isfinite(covariance).all():
        raise UsageError("covariance is not finite")
    limit = ROUNDING * max(float(np.abs(covariance).max()), np.finfo(float).tiny)
    if np.abs(covariance - covariance.T).max() > limit:
        raise UsageError("covariance is not symmetric")
    if (covariance.diagonal() < 0).any():
        raise UsageError("covariance has a negative variance")


def _check_settings(variants: int, baseline: int, margin: float, confidence: float) -> None:
    if not 0 <= baseline < variants:
        raise UsageError(f"baseline is {baseline}, expected 0 .. {variants - 1}")
    if not 0 <= margin < math.inf:
        raise UsageError(f"margin is {margin:g}, expected a number of 0 or more")
    if not 0.5 <= confidence < 1:
        raise UsageError(f"confidence is {confidence:g}, expected 0.5 .. 1")
