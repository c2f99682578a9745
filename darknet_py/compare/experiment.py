"""An experiment: every variant is trained with every seed, on the same data.

Finished runs are skipped, and interrupted ones resume from their checkpoints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from darknet_py.cfg.diagnostics import did_you_mean
from darknet_py.compare.error_facts import record_errors
from darknet_py.compare.latency import measure_latencies
from darknet_py.compare.options import options_of
from darknet_py.compare.outcomes import OpenProgress, RunOutcome, read_outcome, train_run
from darknet_py.compare.pictures import record_pictures
from darknet_py.compare.samples import draw_samples
from darknet_py.compare.variants import FittedVariant
from darknet_py.compare.verdict_facts import record_hits, record_matches
from darknet_py.data.dataset import Dataset
from darknet_py.errors import NotFinite, UsageError, quoted
from darknet_py.files.atomic import sweep
from darknet_py.files.json_fields import file_exists
from darknet_py.graph.graph import Graph
from darknet_py.model.adapt.paired_start import has_same_start
from darknet_py.progress import Progress
from darknet_py.runs.folders import ComparisonFolder, RunFolder
from darknet_py.runs.plan_file import MARGIN, ComparisonPlan, PlannedVariant, Until, check_until, write_plan
from darknet_py.train.class_order import match_splits
from darknet_py.train.settings import Settings, TrainingPlan


@dataclass(frozen=True)
class Experiment:
    """What is trained and compared; nothing in it changes while it runs.

    Args:
        variants: the first is the baseline.
        data: the name of the data set, as the user gave it.
        out: the folder of the comparison.
        seeds: how many, from 0 up.
        epochs: passes over the data that were asked for; None when the cfgs decide.
        margin: a difference of at most this is none for practical purposes, for the verdicts.
        until: where it grows in stages, see `growth.py`; this is then one of them.
        leaving: the variants that have their verdict, and after how many seeds.
    """

    variants: tuple[FittedVariant, ...]
    data: str
    train: Dataset
    val: Dataset
    out: Path
    seeds: int = 2
    epochs: float | None = None
    settings: Settings = field(default_factory=Settings)
    margin: float = MARGIN
    until: Until | None = None
    leaving: Mapping[str, int] = field(default_factory=dict)

    @property
    def folder(self) -> ComparisonFolder:
        """Where the files are."""
        return ComparisonFolder(self.out)

    @property
    def plans(self) -> tuple[TrainingPlan, ...]:
        """Every run, seed by seed: when the experiment is interrupted, all variants have equally many."""
        likes = self._likes
        return tuple(
            TrainingPlan(
                graph=fitted.graph,
                train=self.train,
                val=self.val,
                out=self.folder.run(fitted.name, seed).path,
                name=fitted.name,
                data=self.data,
                seed=seed,
                settings=self._settings_of(seed),
                like=likes[fitted.name],
            )
            for seed in range(self.seeds)
            for fitted in self.variants
            if seed < self.leaving.get(fitted.name, self.seeds)
        )

    @cached_property
    def _likes(self) -> dict[str, Graph | None]:
        """By variant: the baseline, where the first weights would not be its own without further care."""
        base = self.variants[0].graph
        return {one.name: None if has_same_start(base, one.graph) else base for one in self.variants}

    def _settings_of(self, seed: int) -> Settings:
        """Those of all runs; carried weights are verified once for each variant."""
        source = self.settings.source
        return replace(self.settings, source=replace(source, verify=seed == 0)) if source else self.settings

    def matched(self) -> Experiment:
        """The same with the classes of both splits in one order for all runs, see `train/class_order.py`.

        Raises:
            DataError: when they do not match.
        """
        graphs, folders = [variant.graph for variant in self.variants], [plan.out for plan in self.plans]
        train_data, val_data = match_splits((self.train, self.val), graphs, self.settings, folders)
        return replace(self, train=train_data, val=val_data)

    @property
    def unfinished(self) -> int:
        """How many runs have not ended yet."""
        runs = [RunFolder(plan.out) for plan in self.plans]
        return sum(not run.finished and not file_exists(run.not_finite) for run in runs)

    @property
    def not_finite(self) -> list[str]:
        """The names of the runs whose training stopped before it was not finite."""
        runs = [(run_name(plan), RunFolder(plan.out)) for plan in self.plans]
        return [name for name, run in runs if not run.finished and file_exists(run.not_finite)]

    def existing(self) -> list[RunOutcome | None]:
        """What became of the runs, in order of `plans`; None: still to be trained.

        Raises:
            ReportError: when a finished run in the folder is damaged, or of another experiment.
            UsageError: when the folder is that of a single training.
        """
        if RunFolder(self.out).cfg.exists():
            raise UsageError("is the folder of a single training", where=self.out, hint="name another --out")
        check_until(self.folder.plan, self.until)
        return [read_outcome(plan) for plan in self.plans]

    def run(self, *, print_line: Callable[[str], None], progress: OpenProgress) -> None:
        """Train what is missing, record errors, draw samples and measure latencies.

        A training that stops before an update that would not be finite is recorded, and the others go on.

        Args:
            print_line: receives a line of text after each run.
            progress: opens a progress display for a run.

        Raises:
            ReportError, UsageError: as `existing`.
            Stopped: on request; the same call resumes.
            NotFinite: when no training stays finite.
        """
        for number, (plan, found) in enumerate(zip(self.plans, self.existing(), strict=True), start=1):
            outcome = found or train_run(plan, self._with_plan(progress) if number == 1 else progress)
            if number == 1:
                self.write_plan()
            print_line(self.line(plan, outcome))
        if len(self.not_finite) == len(self.plans):
            raise NotFinite("no training stayed finite", where=self.out, hint="lower the learning rate")
        for plan in self.plans:
            self.record(plan)
            sweep(plan.out)
        record_pictures(self.plans, self.folder)
        drawn = (self.folder.samples(one.name) for one in self.variants)
        for folder in (self.out, self.folder.pictures, *drawn):
            if folder.is_dir():  # of writers that were killed
                sweep(folder)
        measure_latencies({v.name: v.graph for v in self.variants}, self.folder, device=self.settings.device)

    def _with_plan(self, progress: OpenProgress) -> OpenProgress:
        """The same; writes compare.json after the first update, for a refused run leaves no file."""

        @contextmanager
        def opened(plan: TrainingPlan) -> Iterator[Progress]:
            with progress(plan) as inner:
                pending = [self.write_plan]

                def tick(done: int, total: int, facts: Mapping[str, float] | None = None, /) -> None:
                    while pending:
                        pending.pop()()
                    inner(done, total, facts or {})

                yield tick

        return opened

    def line(self, plan: TrainingPlan, outcome: RunOutcome) -> str:
        """What is printed of a run: its number, its name, and what became of it."""
        folders = [one.out for one in self.plans]
        number = f"{folders.index(plan.out) + 1}/{len(folders)}"
        return f"[{number}] {plan.name}, seed {plan.seed}: {outcome.text}"

    def record(self, plan: TrainingPlan) -> None:
        """Record the errors of a run, and draw samples of its variant, unless that was done before."""
        if not RunFolder(plan.out).finished:
            return
        record_hits(plan)
        if plan.graph.heads:
            record_matches(plan)
            record_errors(plan)
            if plan.seed == 0:
                draw_samples(plan, self.folder)

    def write_plan(self) -> None:
        """Write compare.json."""
        write_plan(self.folder.plan, self._comparison_plan())

    def find(self, name: str) -> TrainingPlan:
        """A run by its name, `VARIANT/seed-N`, or by its folder.

        Raises: UsageError: when there is none.
        """
        plans = {run_name(plan): plan for plan in self.plans}
        plans |= {str(plan.out): plan for plan in plans.values()}
        if (found := plans.get(name.rstrip("/"))) is None:
            guess = did_you_mean(name, plans)
            hint = f"did you mean `{guess}`?" if guess else "--list-runs prints the command of each run"
            raise UsageError(f"{quoted(name)} is no run of this comparison", hint=hint)
        return found

    def run_one(self, plan: TrainingPlan, *, progress: OpenProgress) -> RunOutcome:
        """Train one run, unless that was done before, and record its errors.

        Raises:
            DarknetPyError: as `run`.
        """
        outcome = self.existing()[[one.out for one in self.plans].index(plan.out)] or train_run(
            plan, progress
        )
        self.write_plan()
        self.record(plan)
        return outcome

    def _comparison_plan(self) -> ComparisonPlan:
        variants = [fitted.variant for fitted in self.variants]
        return ComparisonPlan(
            data=self.data,
            epochs=self.epochs or round(self.plans[0].epochs, 2),
            seeds=tuple(range(self.seeds)),
            margin=self.margin,
            until=self.until,
            options=options_of(self.settings, self.epochs),
            variants=tuple(
                PlannedVariant(v.name, v.cfg.as_posix(), tuple(map(str, v.edits))) for v in variants
            ),
        )


def run_name(plan: TrainingPlan) -> str:
    """The name of a run within its comparison: `VARIANT/seed-N`."""
    return f"{plan.name}/seed-{plan.seed}"
