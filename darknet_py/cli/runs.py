"""The verb that lists runs."""

from __future__ import annotations

import argparse

from darknet_py.cli.terminal import emit
from darknet_py.errors import UsageError
from darknet_py.runs.listing import RunSummary, list_runs
from darknet_py.tasks.metrics import TASKS

WORDS = {key: word for metrics in TASKS.values() for key, word in metrics.words.items()}
SHOWN = ("ap", "ap50", "top1", "train_top1")


def runs(args: argparse.Namespace) -> int:
    """One line for each run below the folders."""
    for folder in args.folder:
        if not folder.is_dir():
            raise UsageError("there is no such folder", where=folder, hint="name the --out of a training")
    found = [run for folder in args.folder for run in list_runs(folder)]
    if args.json or args.output:
        emit(args, [run.to_json() for run in found])
    elif found:
        print("\n".join(_table(found)))
    else:
        print(f"no run in {', '.join(str(folder) for folder in args.folder)}")
    return 0


def _table(found: list[RunSummary]) -> list[str]:
    keys = [key for key in SHOWN if any(key in run.scores for run in found)]
    head = ("run", "state", "iteration", "epoch", "loss", *(WORDS[key] for key in keys), "seconds")
    rows = [head, *(_row(run, keys) for run in found)]
    wide = [max(len(row[k]) for row in rows) for k in range(len(head))]
    return [
        "  ".join(
            cell.ljust(w) if k < 2 else cell.rjust(w)
            for k, (cell, w) in enumerate(zip(row, wide, strict=True))
        ).rstrip()
        for row in rows
    ]


def _row(run: RunSummary, keys: list[str]) -> tuple[str, ...]:
    scores = (run.scores.get(key) for key in keys)
    return (
        str(run.folder),
        run.state,
        f"{run.iteration}/{run.iterations or '?'}",
        "-" if run.epoch is None else f"{run.epoch:.1f}",
        "-" if run.loss is None else f"{run.loss:.4g}",
        *("-" if score is None else f"{100 * score:.1f}" for score in scores),
        "-" if run.seconds is None else f"{run.seconds:.0f}",
    )
