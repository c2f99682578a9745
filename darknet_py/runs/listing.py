"""The runs in a folder: their state, their progress and their newest scores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from darknet_py.cfg.document import read
from darknet_py.errors import DarknetPyError, ReportError
from darknet_py.files.json_fields import read_json_object
from darknet_py.graph.compile import compile
from darknet_py.runs.curves import log_entries
from darknet_py.runs.folders import RunFolder
from darknet_py.runs.lock import is_locked
from darknet_py.runs.read_run import task_metrics
from darknet_py.tasks.metrics import TASKS

NUMBER_OR_NULL = (int, float, type(None))  # of JSON; a bool is none of them


@dataclass(frozen=True)
class RunSummary:
    """One run folder.

    Args:
        state: finished, running, stopped (it can be resumed), or broken.
        iteration: the last one in the log.
        iterations: in total, from its cfg; None when the cfg cannot be read.
        scores: the newest scores, 0..1, by their names in JSON.
    """

    folder: Path
    state: str
    iteration: int
    iterations: int | None
    epoch: float | None
    loss: float | None
    scores: dict[str, float | None]
    seconds: float | None

    def to_json(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {**self.__dict__, "folder": str(self.folder)}


def list_runs(root: Path) -> Iterator[RunSummary]:
    """Every run below a folder, by name: a run has a net.cfg and a log.jsonl."""
    for log in sorted(root.rglob("log.jsonl")):
        folder = RunFolder(log.parent)
        if folder.cfg.is_file():
            yield summarize_run(folder)


def summarize_run(folder: RunFolder) -> RunSummary:
    """Read what is known of a run; what is damaged makes it "broken", and raises nothing."""
    state, seconds = _state(folder), None
    newest: dict[str, Any] = {}
    try:
        for entry in log_entries(folder.log):
            newest |= {key: value for key, value in entry.items() if type(value) in NUMBER_OR_NULL}
    except ReportError:
        state = "broken"
    scores = {key: newest[key] for metrics in TASKS.values() for key in metrics.words if key in newest}
    if state == "finished":
        try:
            result = read_json_object(folder.result)
            seconds, final = result.child("training").number("seconds", low=0), result.child("scores")
            scores = {key: final.score(key) for key in task_metrics(result).words if key in final.values}
        except ReportError:
            state = "broken"
    return RunSummary(
        folder=folder.path,
        state=state,
        iteration=int(newest.get("iteration") or 0),
        iterations=_iterations(folder.cfg),
        epoch=newest.get("epoch"),
        loss=newest.get("loss"),
        scores=scores,
        seconds=seconds,
    )


def _state(folder: RunFolder) -> str:
    if folder.result.exists():
        return "finished"
    if is_locked(folder.path):
        return "running"
    return "stopped" if any(folder.path.glob("checkpoint*.safetensors")) else "broken"


def _iterations(cfg: Path) -> int | None:
    try:
        return compile(read(cfg)).net.max_batches
    except DarknetPyError:
        return None
