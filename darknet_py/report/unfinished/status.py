"""What is missing of a comparison until its last run has ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

from darknet_py.compare.durations import format_duration
from darknet_py.report.section import Report
from darknet_py.runs.records import Comparison, VariantRuns


@dataclass(frozen=True)
class Status:
    """How many runs have ended, and what the others take.

    Args:
        ended: runs with a result, or that stopped because they were not finite.
        left: of each variant, the number of planned runs that have not ended; none are left out.
        seconds: that the runs left take, as those that have ended did.
    """

    ended: int
    left: Mapping[str, int]
    seconds: float

    @property
    def planned(self) -> int:
        """The runs that the comparison has when it is finished, or its next stage is."""
        return self.ended + sum(self.left.values())

    @property
    def text(self) -> str:
        """What is missing, for people."""
        count = sum(self.left.values())
        last = "the last one takes" if count == 1 else f"the other {count} take"
        return (
            f"{self.ended} of {self.planned} runs have ended; {last} about {format_duration(self.seconds)}."
            " Verdicts come with the last run: to look after each run and to stop at the first verdict would"
            " be wrong more often. `compare` writes this page again while it works; where it was stopped, the"
            " same command resumes it."
        )


def status_of(report: Report) -> Status | None:
    """What is missing of a comparison; None when it is finished.

    One that grows in stages is finished when no stage is left, or none within its budget.
    """
    comparison, growth = report.comparison, report.judgement.growth
    left = {name: len(seeds) for name, seeds in comparison.left.items() if seeds}
    if growth is not None:
        stage, names = growth.study.stage, [one.name for one in comparison.variants]
        rows = () if stage is None or growth.beyond_budget else stage.variants
        done = {one.name: len(one.runs) + len(one.not_finite) for one in comparison.variants}
        wanted = 0 if stage is None else stage.seeds
        left = {names[row]: wanted - done[names[row]] for row in rows if wanted > done[names[row]]}
    if not left:
        return None
    ended = sum(len(one.runs) + len(one.not_finite) for one in comparison.variants)
    return Status(ended, left, _seconds(comparison, left))


def _seconds(comparison: Comparison, left: Mapping[str, int]) -> float:
    """Of runs like those that have ended: of the same variant where there is one."""
    known = {one.name: _mean_seconds((one,)) for one in comparison.variants}
    usual = _mean_seconds(comparison.variants)
    return sum(count * known.get(name, usual) for name, count in left.items())


def _mean_seconds(variants: tuple[VariantRuns, ...]) -> float:
    return fmean(run.training.seconds for variant in variants for run in variant.runs)
