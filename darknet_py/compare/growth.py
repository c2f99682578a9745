"""`compare --until resolved`: a comparison that grows in stages until every variant has a verdict.

What has been decided is in no file: it follows from the plan that was recorded at the start and from the
finished runs, so an interrupted comparison goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from darknet_py.compare.durations import format_duration
from darknet_py.compare.run_scores import scores_of
from darknet_py.errors import UsageError, quoted
from darknet_py.runs.plan_file import Until
from darknet_py.runs.read_comparison import read_comparison
from darknet_py.runs.records import Comparison
from darknet_py.stats.components import Doubles
from darknet_py.stats.sequential import FEWEST_SEEDS, Looks, SequentialStudy, replay

if TYPE_CHECKING:  # the report, which reads a growth, does without torch
    from darknet_py.compare.experiment import Experiment
    from darknet_py.compare.outcomes import OpenProgress

KNOWN = ": finished before"  # in the line of a run that was not trained now
REASONS = {
    "resolved": "resolved",
    "hopeless": "hardly to be resolved with {most} seeds",
    "last": "not resolved with {most} seeds",
    "waiting": "undecided",
}
RESERVE = 0.95  # of the budget is planned with: a later run may take a little longer


@dataclass(frozen=True)
class Growth:
    """How far a growing comparison has come.

    Args:
        looks: planned, the last one within the budget.
        spent: seconds of training so far.
        needed: seconds that the next stage takes, as runs so far did; 0 without one.
        budget: seconds; None: no limit.
    """

    looks: Looks
    study: SequentialStudy
    spent: float
    needed: float
    budget: float | None

    @property
    def beyond_budget(self) -> bool:
        """Whether the next stage would not end in time."""
        return self.budget is not None and self.needed > 0 and self.spent + self.needed > self.budget


def growth_of(comparison: Comparison) -> Growth | None:
    """Look at a comparison after each of its stages; None without stages, or without a score.

    Raises: ReportError, DataError: when stored matches are missing or damaged.
    """
    until, scores = comparison.until, scores_of(comparison) if comparison.until else None
    if until is None or scores is None:
        return None
    seconds = np.full(scores.values.shape, np.nan)
    for row, variant in enumerate(comparison.variants):
        for run in variant.runs:
            seconds[row, comparison.seeds.index(run.seed)] = run.training.seconds
    looks = planned_looks(until, seconds)
    values = _with_failures(comparison, scores.values)
    study = replay(values, scores.covariance, looks, margin=comparison.margin, images=scores.images)
    needed = 0.0
    if study.stage is not None:
        for row in study.stage.variants:
            done = seconds[row, : study.stage.seeds]
            missing = study.stage.seeds - int(np.isfinite(done).sum())
            needed += missing * float(np.nanmean(seconds[row])) if np.isfinite(seconds[row]).any() else 0.0
    return Growth(looks, study, float(np.nansum(seconds)), needed, until.budget)


def planned_looks(until: Until, seconds: Doubles) -> Looks:
    """The looks, with no more seeds than the budget allows if every run takes as long as those of the first.

    Args:
        seconds: of each run, (V, S); NaN where it has not been finished.
    """
    most, first = until.most, seconds[:, :FEWEST_SEEDS]
    if until.budget is not None and np.isfinite(first).any(axis=1).all():
        per_seed = sum(fmean(row[np.isfinite(row)].tolist()) for row in first)
        most = min(most, max(FEWEST_SEEDS, int(RESERVE * until.budget / max(per_seed, 0.1))))
    return Looks.up_to(most, until.error, until.exponent)


def _with_failures(comparison: Comparison, values: Doubles) -> Doubles:
    """The scores; infinite where a training has ended without one."""
    marked: Doubles = values.copy()
    for row, variant in enumerate(comparison.variants):
        for seed in variant.not_finite:
            marked[row, comparison.seeds.index(seed)] = np.inf
    return marked


def grow(experiment: Experiment, *, print_line: Callable[[str], None], progress: OpenProgress) -> None:
    """Train stage after stage until every variant has a verdict, or no stage is left within the budget.

    Args:
        print_line: receives a line of text after each run and each look.
        progress: opens a progress display for a run.

    Raises:
        UsageError: when there is nothing to compare, or the folder's comparison was planned otherwise.
        DarknetPyError: as `Experiment.run`.
    """
    until = experiment.until
    assert until is not None
    if len(experiment.variants) < 2:
        raise UsageError("--until resolved compares variants with the first one, and there is no other")

    def print_new(line: str) -> None:
        if KNOWN not in line:
            print_line(line)

    stage, later = replace(experiment, seeds=1 if until.budget else FEWEST_SEEDS), False
    while True:
        stage.run(print_line=print_new if later else print_line, progress=progress)
        comparison, later = read_comparison(experiment.out), True
        growth = growth_of(comparison)
        if growth is None:
            raise UsageError("--until resolved needs ground truth in the validation images")
        names = [variant.name for variant in comparison.variants]
        print_line(describe_growth(growth, names))
        if growth.study.stage is None or growth.beyond_budget:
            return
        absent = dict.fromkeys(comparison.absent, FEWEST_SEEDS)
        leaving = _leaving(growth, names) | absent
        following = replace(experiment, seeds=growth.study.stage.seeds, leaving=leaving)
        if [plan.out for plan in following.plans] == [plan.out for plan in stage.plans]:
            raise UsageError("a run of this stage has ended without a result", where=experiment.out)
        stage = following


def _leaving(growth: Growth, names: Sequence[str]) -> dict[str, int]:
    """The variants that are in no further stage, and how many seeds they have."""
    assert growth.study.stage is not None
    left = [row for row in range(len(names)) if row not in growth.study.stage.variants]
    found = growth.study.verdicts
    return {names[row]: found[row].result.seeds if row in found else FEWEST_SEEDS for row in left}


def describe_growth(growth: Growth, names: Sequence[str]) -> str:
    """What the last look has shown, and what comes next or why nothing does."""
    parts = []
    for reason, text in REASONS.items():
        rows = [row for row, one in growth.study.verdicts.items() if one.reason == reason]
        listed = [f"{quoted(names[row])} ({growth.study.verdicts[row].result.outcome})" for row in rows]
        parts += [f"{text.format(most=growth.looks.seeds[-1])}: {', '.join(listed)}"] if rows else []
    if growth.study.failed:
        parts.append(f"failed: {', '.join(quoted(names[row]) for row in growth.study.failed)}")
    if growth.study.stage is None:
        return f"stopped: {'; '.join(parts)}"
    stage, needed = growth.study.stage, f"some {format_duration(growth.needed)}"
    coming = f"{stage.seeds} seeds of {', '.join(quoted(names[row]) for row in stage.variants)}"
    if growth.beyond_budget:
        assert growth.budget is not None
        spent, budget = format_duration(growth.spent), format_duration(growth.budget)
        return "; ".join(
            [f"stopped by the budget of {budget}: {spent} are spent, and {coming} take {needed}", *parts]
        )
    return "; ".join([*parts, f"next: {coming}, {needed}"])
