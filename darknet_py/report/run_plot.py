"""The learning curves of one run, as a picture next to its log."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from darknet_py.files.atomic import publish_bytes
from darknet_py.report.plotting import PALETTE
from darknet_py.runs.curves import log_entries
from darknet_py.tasks.metrics import TASKS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAME = "curves.png"
SCORES = {key: word for metrics in TASKS.values() for key, word in metrics.words.items()}


def draw_run(folder: Path) -> Path:
    """Draw `curves.png` from a run's log: loss and learning rate on the left, scores on the right."""
    from matplotlib.figure import Figure

    entries = list(log_entries(folder / "log.jsonl"))
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    rates = left.twinx()
    _draw_line(left, entries, "loss", style="-", colour=PALETTE[1])
    _draw_line(rates, entries, "learning_rate", style="--", colour=PALETTE[0])
    left.set(xlabel="epoch", ylabel="loss", yscale="log")
    rates.set(ylabel="learning rate")
    logged = [key for key in SCORES if any(key in entry for entry in entries)]
    for key, colour in zip(logged, PALETTE[1:], strict=False):
        _draw_line(right, entries, key, style="o-", colour=colour)
    right.set(xlabel="epoch", title="in evaluation")
    for axes in (left, right):
        axes.grid(alpha=0.3)
        if axes.lines:
            axes.legend(handles=[*axes.lines, *(rates.lines if axes is left else [])], frameon=False)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=110, metadata={"Software": None})
    publish_bytes(folder / NAME, file.getvalue())
    return folder / NAME


def _draw_line(axes: Axes, entries: Sequence[dict[str, Any]], key: str, *, style: str, colour: str) -> None:
    """One value over the epochs, scores times 100; nothing when it was never logged."""
    scale = 100 if key in SCORES else 1
    points = [(entry["epoch"], scale * entry[key]) for entry in entries if entry.get(key) is not None]
    if points:
        word = SCORES.get(key, key.replace("_", " "))
        axes.plot(*zip(*points, strict=True), style, color=colour, label=word)
