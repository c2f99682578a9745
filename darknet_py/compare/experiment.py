"""An experiment: every variant is trained with every seed, on the same data.

Finished runs are skipped, and interrupted ones resume from their checkpoints.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path

from darknet_py.compare.error_facts import record_errors
from darknet_py.compare.latency import measure_latencies
from darknet_py.compare.samples import draw_samples
from darknet_py.compare.variants import FittedVariant
from darknet_py.compare.verdict_facts import record_hits, record_matches
from darknet_py.data.dataset import Dataset
from darknet_py.errors import UsageError
from darknet_py.progress import Progress
from darknet_py.runs.folders import ComparisonFolder, RunFolder
from darknet_py.runs.plan_file import MARGIN, ComparisonPlan, PlannedVariant, write_plan
from darknet_py.runs.read_run import read_result
from darknet_py.tasks.metrics import describe_scores
from darknet_py.train.class_order import match_splits
from darknet_py.train.loop import train
from darknet_py.train.settings import Settings, TrainingPlan

OpenProgress = Callable[[TrainingPlan], AbstractContextManager[Progress]]


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

    @property
    def folder(self) -> ComparisonFolder:
        """Where the files are."""
        return ComparisonFolder(self.out)

    @property
    def plans(self) -> tuple[TrainingPlan, ...]:
        """Every run, seed by seed: when the experiment is interrupted, all variants have equally many."""
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
            )
            for seed in range(self.seeds)
            for fitted in self.variants
        )

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
        """How many runs have no result yet."""
        return sum(not RunFolder(plan.out).finished for plan in self.plans)

    def run(self, *, print_line: Callable[[str], None], progress: OpenProgress) -> None:
        """Train what is missing, record errors, draw samples and measure latencies.

        Args:
            print_line: receives a line of text after each run.
            progress: opens a progress display for a run.

        Raises:
            ReportError: when a finished run in the folder is damaged, or of another experiment.
            UsageError: when the folder is that of a single training.
            Stopped: on request; the same call resumes.
        """
        if RunFolder(self.out).cfg.exists():
            raise UsageError("is the folder of a single training", where=self.out, hint="name another --out")
        plans = self.plans
        folders = [(plan, RunFolder(plan.out)) for plan in plans]
        results = [read_result(f, plan.fingerprint()) if f.finished else None for plan, f in folders]
        for number, (plan, existing) in enumerate(zip(plans, results, strict=True), start=1):
            status = "finished before"
            if (result := existing) is None:
                with progress(plan) as run_progress:
                    result = train(plan, progress=run_progress)
                status = f"trained in {result['training']['seconds']:.0f} s"
            if number == 1:  # an experiment whose first run is refused leaves the folder unchanged
                write_plan(self.folder.plan, self._comparison_plan())
            title = f"[{number}/{len(plans)}] {plan.name}, seed {plan.seed}"
            print_line(f"{title}: {status}, {describe_scores(result)}")
        for number, plan in enumerate(plans):
            record_hits(plan)
            if plan.graph.heads:
                record_matches(plan)
                record_errors(plan)
                if number < len(self.variants):  # of the first seed
                    draw_samples(plan, self.folder)
        measure_latencies({v.name: v.graph for v in self.variants}, self.folder, device=self.settings.device)

    def _comparison_plan(self) -> ComparisonPlan:
        variants = [fitted.variant for fitted in self.variants]
        return ComparisonPlan(
            data=self.data,
            epochs=self.epochs or round(self.plans[0].epochs, 2),
            seeds=tuple(range(self.seeds)),
            margin=self.margin,
            variants=tuple(
                PlannedVariant(v.name, v.cfg.as_posix(), tuple(map(str, v.edits))) for v in variants
            ),
        )
