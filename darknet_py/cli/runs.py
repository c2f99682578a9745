"""`runs`: the runs so far, their state and figures."""

from __future__ import annotations

import argparse
from pathlib import Path

from darknet_py.cli.options import add_json
from darknet_py.cli.terminal import print_result
from darknet_py.errors import UsageError
from darknet_py.runs.listing import RunSummary, list_runs
from darknet_py.tasks.metrics import TASKS, in_percent

WORDS = {key: word for metrics in TASKS.values() for key, word in metrics.words.items()}
COLUMNS = ("ap", "ap50", "top1", "train_top1")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    parser.add_argument("folder", nargs="*", type=Path, default=[Path("runs")], help="where (default: runs)")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print a line for each run below the folders."""
    for folder in args.folder:
        if not folder.is_dir():
            raise UsageError("there is no such folder", where=folder, hint="name the --out of a training")
    found = [run for folder in args.folder for run in list_runs(folder)]
    none = f"no run in {', '.join(str(folder) for folder in args.folder)}"
    print_result(args, lambda: [run.to_json() for run in found], lambda: _table(found) if found else [none])
    return 0


def _table(found: list[RunSummary]) -> list[str]:
    keys = [key for key in COLUMNS if any(key in run.scores for run in found)]
    rows = [("run", "state", "iteration", "epoch", "loss", *(WORDS[key] for key in keys), "seconds")]
    for run in found:
        scores = (in_percent(run.scores[key]) if key in run.scores else "-" for key in keys)
        rows.append(
            (
                str(run.folder),
                run.state,
                f"{run.iteration}/{run.iterations or '?'}",
                "-" if run.epoch is None else f"{run.epoch:.1f}",
                "-" if run.loss is None else f"{run.loss:.4g}",
                *scores,
                "-" if run.seconds is None else f"{run.seconds:.0f}",
            )
        )
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(w) if k < 2 else cell.rjust(w)
            for k, (cell, w) in enumerate(zip(row, wide, strict=True))
        ).rstrip()
        for row in rows
    ]
