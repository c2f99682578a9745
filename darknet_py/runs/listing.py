"""The runs in a folder: which are finished, where the others stand, and what they reached so far."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from darknet_py.cfg.diagnostics import CfgError
from darknet_py.cfg.document import read
from darknet_py.errors import DarknetPyError
from darknet_py.files.json_fields import read_fields
from darknet_py.lint.check import compile_checked
from darknet_py.runs.lock import is_locked
from darknet_py.tasks.metrics import TASKS

LARGEST_LOG = 1 << 26


@dataclass(frozen=True)
class Listed:
    """One run folder.

    Args:
        state: finished, running, stopped (it can be resumed), or broken.
        iteration: the last that the log knows.
        iterations: in all, as its cfg says; None where the cfg cannot be read.
        scores: the newest figures, 0..1, by their words in JSON.
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


def listed(root: Path) -> Iterator[Listed]:
    """Every run below a folder, by name: a run has a net.cfg and a log.jsonl."""
    for log in sorted(root.rglob("log.jsonl")):
        if (log.parent / "net.cfg").is_file():
            yield _listed(log.parent)


def _listed(folder: Path) -> Listed:
    lines = list(lines_of(folder / "log.jsonl"))
    said: dict[str, Any] = {}
    for line in lines:
        said.update(line)
    scores = {key: said[key] for metrics in TASKS.values() for key in metrics.words if key in said}
    state, seconds = _state(folder), None
    if state == "finished":
        try:
            fields = read_fields(folder / "result.json")
            seconds = float(fields.values["training"]["seconds"])
            known = TASKS[fields.values.get("task", "detection")].words
            scores = {key: value for key, value in fields.values["scores"].items() if key in known}
        except (DarknetPyError, KeyError, TypeError, ValueError):
            state = "broken"
    try:
        iterations = compile_checked(read(folder / "net.cfg")).net.max_batches
    except (CfgError, DarknetPyError):
        iterations = None
    return Listed(
        folder=folder,
        state=state,
        iteration=int(said.get("iteration", 0)),
        iterations=iterations,
        epoch=said.get("epoch"),
        loss=said.get("loss"),
        scores=scores,
        seconds=seconds,
    )


def _state(folder: Path) -> str:
    if (folder / "result.json").exists():
        return "finished"
    if is_locked(folder):
        return "running"
    return "stopped" if any(folder.glob("checkpoint*.safetensors")) else "broken"


def lines_of(log: Path) -> Iterator[dict[str, Any]]:
    """The objects of a log; a line that a kill cut short is left out."""
    with log.open("rb") as file:
        for line in file.read(LARGEST_LOG).splitlines():
            try:
                value = json.loads(line)
            except ValueError:
                continue
            if isinstance(value, dict):
                yield value
