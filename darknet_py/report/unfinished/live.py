"""Writes the report of a comparison while it trains: after the first evaluation, and after runs.

The pages take at most `SHARE` of the time, and a comparison that ends soon has none before its end. They are
written between two updates, or two runs, by the process that trains, or that waits for those that train, so
that there is one writer. A page that cannot be written stops no training.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from darknet_py.compare.experiment import Experiment
from darknet_py.compare.outcomes import OpenProgress
from darknet_py.errors import quoted
from darknet_py.files.json_fields import file_exists
from darknet_py.progress import Progress
from darknet_py.report.report import write_report
from darknet_py.report.unfinished.begun import RunProgress, write_begun
from darknet_py.runs.plan_file import read_plan
from darknet_py.train.settings import TrainingPlan

SHARE = 0.06  # of the time, at most
LEAST = 60.0  # seconds: a comparison that takes less has no page before its end
AHEAD = 100.0  # seconds of coming training whose share may be used early
FIRST_COST = 1.0  # seconds that a page is expected to take before one was written


class LivePage:
    """The report of one comparison while it trains.

    Args:
        experiment: of a comparison in stages, that of all of them.
        print_line: receives the name of the page when it is first written, and why one could not be.
        clock: in seconds, for tests.
    """

    def __init__(
        self,
        experiment: Experiment,
        print_line: Callable[[str], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.experiment, self.print_line, self.clock = experiment, print_line, clock
        self.began, self.spent, self.cost = clock(), 0.0, FIRST_COST
        self.evaluated = False
        self.printed: set[str] = set()

    def around(self, progress: OpenProgress) -> OpenProgress:
        """The same progress, with a page where one is due."""

        @contextmanager
        def opened(plan: TrainingPlan) -> Iterator[Progress]:
            began, first = self.clock(), [0]
            with progress(plan) as inner:

                def tick(done: int, total: int, facts: Mapping[str, float] | None = None, /) -> None:
                    inner(done, total, facts or {})
                    first[0] = first[0] or done
                    if not self.evaluated and _first_evaluation(plan) <= done < total:
                        self.evaluated = True
                        rate = (self.clock() - began) / (done - first[0] + 1)
                        self._try(lambda: self.show_run(plan, done, total, rate=rate))

                yield tick
            self.evaluated = True
            self.run_ended(plan, seconds=self.clock() - began)

        return opened

    def run_ended(self, plan: TrainingPlan, *, seconds: float) -> None:
        """Write the page after a run, if its time is within the share.

        Args:
            seconds: that the run took; of runs side by side, the time for each.
        """
        self._try(lambda: self.show_runs(plan, seconds=seconds))

    def show_run(self, plan: TrainingPlan, done: int, total: int, *, rate: float) -> None:
        """Write the page after an evaluation of a run that is in training.

        Args:
            rate: seconds of an iteration.
        """
        planned, ended = self._counts()
        seconds = rate * (total - done + total * (planned - ended - 1))
        if ended:
            self._write(lambda: write_report(self.experiment.out), left=seconds)
        else:
            progress = RunProgress(done, total, seconds, planned)
            self._write(lambda: write_begun(self.experiment, plan, progress), left=seconds)

    def show_runs(self, plan: TrainingPlan, *, seconds: float) -> None:
        """As `run_ended`, unless it was the last one; then the final report follows."""
        planned, ended = self._counts()
        if ended == planned and self.experiment.until is None:
            return
        left = seconds * (planned - ended)
        if self._is_affordable(left):
            self._try(lambda: self.experiment.record(plan))  # would be done at the end
        self._write(lambda: write_report(self.experiment.out), left=left)

    def _counts(self) -> tuple[int, int]:
        """The runs that are planned, of this stage where there are stages, and those that have ended."""
        folder = self.experiment.folder
        plan = read_plan(folder.plan)
        runs = [folder.run(variant.name, seed) for variant in plan.variants for seed in plan.seeds]
        return len(runs), sum(run.finished or file_exists(run.not_finite) for run in runs)

    def _is_affordable(self, left: float) -> bool:
        passed = self.clock() - self.began
        return passed + left >= LEAST and self.spent + self.cost <= SHARE * (passed + min(left, AHEAD))

    def _write(self, write: Callable[[], Path], *, left: float) -> None:
        """Write the page if its time is within the share.

        Args:
            left: seconds of training to come.
        """
        if not self._is_affordable(left):
            return
        import jinja2  # noqa: F401 - takes part of a second that the final report would take
        import matplotlib.figure  # noqa: F401

        began = self.clock()
        try:
            self._print(f"report so far: {quoted(write())}")
        finally:
            self.cost = self.clock() - began
            self.spent += self.cost

    def _try(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # whatever a page fails of, the training goes on, and so does its end
            self._print(f"report so far: not written: {error}")

    def _print(self, line: str) -> None:
        if line not in self.printed:
            self.printed.add(line)
            self.print_line(line)


def _first_evaluation(plan: TrainingPlan) -> int:
    """The iteration after which a run is first evaluated."""
    return max(1, round(plan.graph.net.max_batches / max(1, plan.settings.evaluations)))
