"""`compare`: variants trained with several seeds, and a report."""

from __future__ import annotations

import argparse
import json
import os
from typing import TYPE_CHECKING

from darknet_py.cli.options import add_margin, count
from darknet_py.cli.progress import show_progress
from darknet_py.cli.terminal import print_note, print_opening, print_result
from darknet_py.cli.training import add_training, open_splits, print_changes, print_class_notes, settings_of
from darknet_py.errors import PeerFailed, UsageError, quoted

if TYPE_CHECKING:
    from darknet_py.compare.experiment import Experiment


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    parser.add_argument(
        "cfg",
        nargs="+",
        help="CFG or CFG@EDIT,... as in cfg/yolov3-spp.cfg@82.size=19; the first is the baseline",
    )
    parser.add_argument("--seeds", type=count, default=2, help="trainings of each variant (default: 2)")
    add_margin(parser, default=0.5)
    add_training(parser)


def run(args: argparse.Namespace) -> int:
    """Train what is missing, and write the report."""
    from darknet_py.report.api import run_and_report

    experiment = _experiment(args)
    left, total = experiment.unfinished, len(experiment.variants) * args.seeds
    counts = f"{len(experiment.variants)} variants x {args.seeds} seeds on {args.data}"
    print_note(args, f"{counts}: {left} of {total} runs to train")
    print_opening(args, {"train": experiment.train, "val": experiment.val})
    print_class_notes(args, experiment.train, experiment.val)
    for number, fitted in enumerate(experiment.variants):
        print_changes(args, fitted.graph, fitted.changes if number == 0 else (), name=f"{fitted.name}: ")
    page = run_and_report(
        experiment,
        print_line=lambda text: print_note(args, text),
        progress=lambda plan: show_progress("it", title=f"{plan.name}, seed {plan.seed}"),
    )
    report = json.loads((args.out / "report.json").read_bytes())
    lines = [f"{quoted(one['variant'])}: {one['sentence']}" for one in report["verdicts"]]
    lines.append(f"report: {page} (report.md and report.json next to it)")
    print_result(args, lambda: report, lambda: lines)
    return 0


def _experiment(args: argparse.Namespace) -> Experiment:
    from darknet_py.compare.experiment import Experiment
    from darknet_py.compare.variants import fit_variants, parse_variants
    from darknet_py.distributed.process_info import ProcessInfo

    process = ProcessInfo.from_environment(os.environ)
    if process.size > 1:
        hint = "torchrun starts `train`; compare trains its variants one after the other"
        error = UsageError(f"compare runs in one process, not in {process.size}", hint=hint)
        raise error if process.rank == 0 else PeerFailed(error.message, exit_code=error.exit_code)
    variants, (train, val) = parse_variants(args.cfg), open_splits(args)
    settings = settings_of(args, process)
    return Experiment(
        variants=fit_variants(variants, train, settings, epochs=args.epochs),
        data=args.data,
        train=train,
        val=val,
        out=args.out,
        seeds=args.seeds,
        epochs=args.epochs,
        settings=settings,
        margin=args.margin / 100,
    ).matched()
