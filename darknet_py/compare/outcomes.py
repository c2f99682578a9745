"""What became of a run of a comparison: a result, or a training that stopped before it was not finite."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from darknet_py.errors import NotFinite
from darknet_py.files.json_fields import file_exists, read_json_object
from darknet_py.progress import Progress
from darknet_py.runs.folders import RunFolder
from darknet_py.runs.log import write_json
from darknet_py.runs.read_run import read_result
from darknet_py.tasks.metrics import describe_scores
from darknet_py.train.loop import train
from darknet_py.train.settings import TrainingPlan

OpenProgress = Callable[[TrainingPlan], AbstractContextManager[Progress]]


@dataclass(frozen=True)
class RunOutcome:
    """What became of a run.

    Args:
        text: for people.
        finite: whether it has a result.
    """

    text: str
    finite: bool = True


def read_outcome(plan: TrainingPlan) -> RunOutcome | None:
    """What became of a run earlier; None: it has not ended.

    Raises: ReportError: when its result is damaged, or of another experiment.
    """
    run = RunFolder(plan.out)
    if run.finished:
        return RunOutcome(f"finished before, {describe_scores(read_result(run, plan.fingerprint()))}")
    if not file_exists(run.not_finite):
        return None
    known = read_json_object(run.not_finite)
    if known.child("fingerprint").values != plan.fingerprint():
        return None
    again = f"without {run.not_finite} the same command tries again"
    return RunOutcome(f"not finite before, {known.text('message')}; {again}", finite=False)


def train_run(plan: TrainingPlan, progress: OpenProgress) -> RunOutcome:
    """Train to the end, or to where an update would not be finite; that is written into the run's folder.

    Raises: DarknetPyError: as `train`, without NotFinite.
    """
    try:
        with progress(plan) as run_progress:
            result = train(plan, progress=run_progress)
    except NotFinite as error:
        _write_not_finite(RunFolder(plan.out), plan.fingerprint(), error)
        return RunOutcome(f"not finite, {error.message}", finite=False)
    return RunOutcome(describe_training(result))


def describe_training(result: Mapping[str, Any]) -> str:
    """What is printed of a run that was trained now."""
    return f"trained in {result['training']['seconds']:.0f} s, {describe_scores(result)}"


def _write_not_finite(run: RunFolder, fingerprint: Mapping[str, Any], error: NotFinite) -> None:
    write_json(run.not_finite, {"message": error.message, "hint": error.hint, "fingerprint": fingerprint})
