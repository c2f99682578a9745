"""One run's curves, as a picture beside its log."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from darknet_py.files.atomic import publish_bytes
from darknet_py.report.plots import PALETTE
from darknet_py.runs.listing import lines_of
from darknet_py.tasks.metrics import TASKS

NAME = "curves.png"


def draw_run(folder: Path) -> Path:
    """Draw `curves.png` from a run's log: loss and learning rate on the left, figures on the right."""
    from matplotlib.figure import Figure

    lines = list(lines_of(folder / "log.jsonl"))
    words = {key: word for metrics in TASKS.values() for key, word in metrics.words.items()}
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    rates = left.twinx()
    _line(left, lines, "loss", PALETTE[1], "loss")
    _line(rates, lines, "learning_rate", PALETTE[0], "learning rate", style="--")
    left.set(xlabel="epoch", ylabel="loss", yscale="log")
    rates.set(ylabel="learning rate")
    for key, colour in zip((k for k in words if any(k in line for line in lines)), PALETTE[1:], strict=False):
        _line(right, lines, key, colour, words[key], scale=100, marker="o")
    right.set(xlabel="epoch", title="in evaluation")
    for axes in (left, right):
        axes.grid(alpha=0.3)
        if axes.lines:
            axes.legend(handles=[*axes.lines, *(rates.lines if axes is left else [])], frameon=False)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=110, metadata={"Software": None})
    publish_bytes(folder / NAME, file.getvalue())
    return folder / NAME


def _line(
    axes: Any, lines: list[dict[str, Any]], key: str, colour: str, word: str, *, scale: float = 1, **how: Any
) -> None:
    points = [(line["epoch"], scale * line[key]) for line in lines if line.get(key) is not None]
    if points:
        style = how.pop("style", "-")
        axes.plot(*zip(*points, strict=True), color=colour, label=word, linestyle=style, **how)
