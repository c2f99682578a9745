"""What a run takes on this machine: measured by a training of a few updates that is thrown away."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import median

from darknet_py.cfg.edits import parse_edits
from darknet_py.compare.experiment import Experiment
from darknet_py.edit.overrides import apply_overrides
from darknet_py.errors import Stopped
from darknet_py.graph.compile import compile
from darknet_py.train.loop import train
from darknet_py.train.settings import TrainingPlan

UPDATES = 6  # the first is slower and not counted


@dataclass(frozen=True)
class RunCost:
    """What one run takes.

    Args:
        iterations, evaluations: of the complete run.
        iteration, evaluation, rest: seconds; the rest is building the network and writing files.
        size: bytes of its folder when it has finished.
    """

    name: str
    iterations: int
    evaluations: int
    iteration: float
    evaluation: float
    rest: float
    size: int

    @property
    def seconds(self) -> float:
        """Of the complete run."""
        return self.rest + self.iterations * self.iteration + self.evaluations * self.evaluation


def measure_runs(experiment: Experiment) -> tuple[RunCost, ...]:
    """Train each variant for some updates with one evaluation, in a scratch folder that is removed.

    Raises:
        DarknetPyError: as `train`.
        Stopped: on request.
    """
    first = [plan for plan in experiment.plans if plan.seed == 0]
    with tempfile.TemporaryDirectory(prefix="darknet-py-plan-") as scratch:
        try:
            return tuple(_measure(plan, Path(scratch) / str(at)) for at, plan in enumerate(first))
        except Stopped:
            raise Stopped("on request, while it was measured what a run takes; nothing is kept") from None


def _measure(plan: TrainingPlan, scratch: Path) -> RunCost:
    """What a run takes; with kept maps once they are kept, and what computing them takes in the rest."""
    found = _train_briefly(plan, scratch / "first")
    if not (prefix := plan.settings.prefix) or not prefix.store:
        return found
    kept = _train_briefly(plan, scratch / "again")
    samples = -(-len(plan.train) * prefix.versions // plan.graph.net.batch)
    once = min(kept.iterations, samples) * max(0.0, found.iteration - kept.iteration)
    once += max(0.0, found.evaluation - kept.evaluation)
    return replace(kept, rest=kept.rest + once)


def _train_briefly(plan: TrainingPlan, scratch: Path) -> RunCost:
    net = plan.graph.net
    updates = min(UPDATES, net.max_batches)
    short = apply_overrides(plan.document, parse_edits(f"net.max_batches={updates}"))
    settings = replace(plan.settings, evaluations=1, tensorboard=False, checkpoint_seconds=1e9)
    ticks: list[float] = []

    def tick(done: int, total: int, facts: Mapping[str, float] | None = None, /) -> None:
        ticks.append(time.monotonic())

    began = time.monotonic()
    train(replace(plan, graph=compile(short), out=scratch, settings=settings), progress=tick)
    # The last update is followed by the evaluation; with a single one, both are counted as an evaluation.
    steps = [after - before for before, after in pairwise([began, *ticks])]
    iteration = median(steps[1:-1]) if len(steps) > 2 else 0.0
    evaluation = max(steps[-1] - iteration, 0.0)
    return RunCost(
        name=plan.name,
        iterations=net.max_batches,
        evaluations=max(1, plan.settings.evaluations),
        iteration=iteration,
        evaluation=evaluation,
        rest=max(time.monotonic() - began - len(steps) * iteration - evaluation, 0.0),
        size=sum(file.stat().st_size for file in scratch.rglob("*") if file.is_file()),
    )
