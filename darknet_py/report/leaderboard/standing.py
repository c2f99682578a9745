"""Verdicts from records: every pair of variants whose runs are comparable."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np

from darknet_py.cfg.diagnostics import did_you_mean
from darknet_py.errors import UsageError, quoted
from darknet_py.report.leaderboard.record import RunRecord
from darknet_py.report.verdict_sentence import describe_verdict
from darknet_py.stats import Verdict
from darknet_py.stats.components import Doubles, Study, is_crossed
from darknet_py.stats.covariance import covariance_of_means
from darknet_py.stats.judging import Criterion, judge_pair
from darknet_py.stats.spread import Spread, spread_of
from darknet_py.tasks.metrics import Metrics

OF_RESULT = ("outcome", "effect", "low", "high", "confidence", "df", "method", "visible", "seeds")
CONFIDENCE = 0.95  # of all intervals of a table at once


@dataclass(frozen=True)
class RankedVariant:
    """One cfg and its runs, by seed."""

    name: str
    runs: Mapping[int, RunRecord]

    @property
    def first(self) -> RunRecord:
        """Any of them: for what all runs of a cfg share."""
        return next(iter(self.runs.values()))

    def spread(self, figure: str) -> Spread | None:
        """A figure over the seeds."""
        return spread_of([run.figures[figure] for run in self.runs.values()])


@dataclass(frozen=True)
class PairVerdict:
    """The verdict on two variants; `result` is None where none is possible, and the sentence says why."""

    variant: str
    baseline: str
    sentence: str
    result: Verdict | None = None

    def figures(self) -> dict[str, Any]:
        """The verdict alone as JSON; `df` null: infinite."""
        result = {key: getattr(self.result, key) if self.result else None for key in OF_RESULT}
        if self.result and math.isinf(self.result.df):
            result["df"] = None
        return result | {"outcome": result["outcome"] or "unclear"}

    def to_json(self, metric: str) -> dict[str, Any]:
        """As JSON; figures are 0..1."""
        names = {"variant": self.variant, "baseline": self.baseline, "metric": metric}
        return names | {"sentence": self.sentence} | self.figures()


@dataclass(frozen=True)
class Standing:
    """All variants whose runs are comparable, the best first.

    Args:
        conditions: data, protocol and recipe, which are those of all runs.
    """

    variants: tuple[RankedVariant, ...]
    conditions: Mapping[str, Any]

    @property
    def metrics(self) -> Metrics:
        """The metrics of the task."""
        return self.variants[0].first.metrics

    @cached_property
    def _noise(self) -> tuple[dict[tuple[str, int], int], Doubles]:
        """The place of every run, and the covariance of all scores over images."""
        runs = {(one.name, seed): run for one in self.variants for seed, run in one.runs.items()}
        values = np.array([run.noise.values for run in runs.values()], np.float64)
        kind = self.variants[0].first.noise.kind
        if kind == "mean":
            covariance = covariance_of_means(values).covariance
        elif kind == "bootstrap":
            covariance = np.atleast_2d(np.cov(values[:, ~np.isnan(values).any(axis=0)]))
        else:
            count = values.shape[1]
            covariance = values @ values.T * (count / max(count - 1, 1))
        return {key: at for at, key in enumerate(runs)}, covariance

    def arrays(self, variants: Sequence[RankedVariant], seeds: Sequence[int]) -> tuple[Doubles, Doubles]:
        """The scores of some runs, (V, S), and their covariance over images, (V S, V S)."""
        places, covariance = self._noise
        at = [places[one.name, seed] for one in variants for seed in seeds]
        figure = self.metrics.first
        scores = [[one.runs[seed].figures[figure] for seed in seeds] for one in variants]
        return np.array(scores, float), covariance[np.ix_(at, at)]

    def judge(self, variant: RankedVariant, baseline: RankedVariant, criterion: Criterion) -> PairVerdict:
        """Judge two variants by the seeds that both have; all variants with these seeds lend their noise."""
        seeds = [seed for seed in sorted(variant.runs) if seed in baseline.runs]
        images, word = int(self.conditions["images"]), self.metrics.word
        among = [one for one in self.variants if all(seed in one.runs for seed in seeds)]
        scores = [[one.runs[seed].figures[self.metrics.first] for seed in seeds] for one in among]
        reason = ""
        if not seeds:
            reason = "they have no seed in common"
        elif any(score is None for row in scores for score in row):
            reason = f"there is no ground truth to measure {word} with"
        elif images < 2:
            reason = "one image says nothing about other images"
        if reason:
            return PairVerdict(variant.name, baseline.name, f"no verdict: {reason}")
        values, noise = self.arrays(among, seeds)
        crossed = is_crossed(*values.shape, paired=True)
        study = Study(values, noise.reshape(*values.shape, *values.shape), crossed, images)
        found = judge_pair(study, among.index(variant), among.index(baseline), criterion)
        if math.isinf(found.visible):
            return PairVerdict(variant.name, baseline.name, f"no verdict: {found.caveat}")
        found = replace(found, confidence=CONFIDENCE)
        sentence = describe_verdict(found, word=word, images=images, margin=criterion.margin)
        return PairVerdict(variant.name, baseline.name, sentence, found)

    def pairs(self, margin: float) -> tuple[PairVerdict, ...]:
        """Every pair, the better one first; intervals hold for all at once (Bonferroni)."""
        both = list(combinations(self.variants, 2))
        criterion = Criterion(margin, 1 - (1 - CONFIDENCE) / max(len(both), 1), comparisons=1)
        return tuple(self.judge(first, second, criterion) for first, second in both)

    def against(self, baseline: str, margin: float) -> tuple[PairVerdict, ...]:
        """Every variant against one; intervals hold for all at once (Dunnett), as in a report."""
        (base,) = (one for one in self.variants if one.name == baseline)
        criterion = Criterion(margin, CONFIDENCE, comparisons=len(self.variants) - 1)
        return tuple(self.judge(one, base, criterion) for one in self.variants if one is not base)


def standings(records: Iterable[RunRecord]) -> tuple[Standing, ...]:
    """Records in groups that are comparable, the largest first, and in them the variants by their scores."""
    studies: dict[str, dict[tuple[str, str], list[RunRecord]]] = {}
    for record in records:
        studies.setdefault(record.study, {}).setdefault(record.network, []).append(record)
    found = []
    for cfgs in studies.values():
        names = _names(list(cfgs.values()))
        ranked = [
            RankedVariant(name, {run.seed: run for run in runs})
            for name, runs in zip(names, cfgs.values(), strict=True)
        ]
        found.append(Standing(tuple(sorted(ranked, key=_by_score)), ranked[0].first.conditions))
    return tuple(sorted(found, key=lambda one: (-len(one.variants), one.variants[0].first.study)))


def _by_score(variant: RankedVariant) -> tuple[float, str]:
    spread = variant.spread(variant.first.metrics.first)
    return (-spread.mean if spread else 1.0), variant.name


def choose_baseline(found: Sequence[Standing], name: str, *, where: object) -> tuple[Standing, ...]:
    """The groups with a variant of this name.

    Raises: UsageError: when there is none.
    """
    names = [variant.name for one in found for variant in one.variants]
    if name not in names:
        guess = did_you_mean(name, names)
        hint = f"did you mean `{quoted(guess)}`?" if guess else f"variants are {quoted(', '.join(names))}"
        raise UsageError(f"no variant is called {quoted(name)}", where=where, hint=hint)
    return tuple(one for one in found if name in {variant.name for variant in one.variants})


def _names(cfgs: Sequence[Sequence[RunRecord]]) -> list[str]:
    """A name for each variant; where two have one name, with the beginning of the digests that differ."""
    names = [min(run.name for run in runs) for runs in cfgs]
    found = []
    for name, (run, *_) in zip(names, cfgs, strict=True):
        others = [runs[0] for runs, other in zip(cfgs, names, strict=True) if other == name]
        marks = [run.cfg[:8]] if any(other.cfg != run.cfg for other in others) else []
        marks += [f"like {run.like[:8] or 'none'}"] if any(other.like != run.like for other in others) else []
        found.append(f"{name} [{', '.join(marks)}]" if marks else name)
    return found
