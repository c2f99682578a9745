"""`compare`: variants trained with several seeds, and a report."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from darknet_py.cli.comparing.options import SEEDS, add_size, print_plan, seeds_of, until_of
from darknet_py.cli.comparing.prefix import AUTO, prefix_of, print_prefix
from darknet_py.cli.options import add_margin, count, edits_of
from darknet_py.cli.progress import show_progress
from darknet_py.cli.terminal import print_note, print_opening, print_result
from darknet_py.cli.training import add_training, open_splits, print_changes, print_class_notes, settings_of
from darknet_py.errors import NotFinite, PeerFailed, UsageError, quoted

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from darknet_py.compare.experiment import Experiment
    from darknet_py.progress import Progress
    from darknet_py.train.settings import TrainingPlan


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    parser.add_argument(
        "cfg",
        nargs="+",
        help="CFG or CFG@EDIT,... as in cfg/yolov3-spp.cfg@82.size=19; the first is the baseline",
    )
    parser.add_argument(
        "--set",
        action="append",
        metavar="EDIT",
        help="edit every cfg first, as in net.width=608; an edit after the @ of a variant wins",
    )
    parser.add_argument("--seeds", type=count, help=f"trainings of each variant (default: {SEEDS})")
    add_size(parser)
    add_margin(parser, default=0.5)
    _add_machines(parser)
    add_training(parser)


def _add_machines(parser: argparse.ArgumentParser) -> None:
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--ray",
        metavar="ADDRESS",
        help="train the runs on the machines of a Ray cluster; `local`: side by side on this machine",
    )
    where.add_argument(
        "--list-runs",
        action="store_true",
        help="print a command for each run, such as for the job array of a batch system, and train nothing",
    )
    where.add_argument(
        "--only", metavar="RUN", help="train this run alone, VARIANT/seed-N, without the report"
    )


def run(args: argparse.Namespace) -> int:
    """Train what is missing, and write the report."""
    if args.ray is not None:
        from darknet_py.compare.ray_tasks import require_ray

        require_ray()
    experiment = _experiment(args)
    if args.plan:
        return print_plan(args, experiment)
    if args.list_runs:
        from darknet_py.cli.machines.commands import lines_of, run_commands

        commands = run_commands(experiment, args.words)
        print_result(args, lambda: commands, lambda: lines_of(commands))
        return 0
    _print_opening(args, experiment)
    if args.only is not None:
        return _run_one(args, experiment)
    page = _run_all(args, experiment)
    report = json.loads((args.out / "report.json").read_bytes())
    lines = [f"{quoted(one['variant'])}: {one['sentence']}" for one in report["verdicts"]]
    if experiment.settings.prefix:
        lines.append(f"given this backbone: only layer {experiment.settings.prefix.layer} and those behind")
        lines[-1] += " it were trained"
    lines.append(f"report: {page} (report.md and report.json next to it)")
    print_result(args, lambda: report, lambda: lines)
    lost = experiment.not_finite
    for name in lost:
        print(f"{quoted(name)} has no result: not finite, see the report's notes", file=sys.stderr)
    return NotFinite.exit_code if lost else 0


def _print_opening(args: argparse.Namespace, experiment: Experiment) -> None:
    left, total = experiment.unfinished, len(experiment.plans)
    counts = f"{len(experiment.variants)} variants x {experiment.seeds} seeds on {args.data}"
    most = " at most" if experiment.until else ""
    print_note(args, f"{counts}: {left} of {total} runs to train{most}")
    print_opening(args, {"train": experiment.train, "val": experiment.val})
    print_class_notes(args, experiment.train, experiment.val)
    print_prefix(args, experiment.plans[0])
    for number, fitted in enumerate(experiment.variants):
        print_changes(args, fitted.graph, fitted.changes if number == 0 else (), name=f"{fitted.name}: ")


def _run_all(args: argparse.Namespace, experiment: Experiment) -> Path:
    """Train all runs, here or on a cluster, and write the report; its page."""
    if args.ray is not None:
        from darknet_py.cli.machines.ray_runs import run_on_ray
        from darknet_py.cli.main import main

        run_on_ray(args, experiment, main)
        return experiment.out / "report.html"
    from darknet_py.report.api import run_and_report

    return run_and_report(
        experiment, print_line=lambda text: print_note(args, text), progress=_progress_of_run
    )


def _run_one(args: argparse.Namespace, experiment: Experiment) -> int:
    plan = experiment.find(args.only)
    outcome = experiment.run_one(plan, progress=_progress_of_run)
    line = experiment.line(plan, outcome)
    facts = {"run": args.only, "folder": str(plan.out), "finite": outcome.finite, "outcome": outcome.text}
    print_result(args, lambda: facts, lambda: [line])
    return 0 if outcome.finite else NotFinite.exit_code


def _progress_of_run(plan: TrainingPlan) -> AbstractContextManager[Progress]:
    return show_progress("it", title=f"{plan.name}, seed {plan.seed}")


def _experiment(args: argparse.Namespace) -> Experiment:
    from darknet_py.compare.common_prefix import common_layer
    from darknet_py.compare.experiment import Experiment
    from darknet_py.compare.variants import fit_variants, parse_variants
    from darknet_py.distributed.process_info import ProcessInfo

    process = ProcessInfo.from_environment(os.environ)
    if process.size > 1:
        hint = "torchrun starts `train`; compare trains its variants one after the other"
        error = UsageError(f"compare runs in one process, not in {process.size}", hint=hint)
        raise error if process.rank == 0 else PeerFailed(error.message, exit_code=error.exit_code)
    until = until_of(args)
    variants, (train, val) = parse_variants(args.cfg, edits_of(args)), open_splits(args)
    remote = args.list_runs or args.ray is not None  # this machine may have no such device
    settings = settings_of(args, process, device="cpu" if remote else args.device)
    fitted = fit_variants(variants, train, settings, epochs=args.epochs)
    if args.train_from == AUTO:
        settings = replace(settings, prefix=prefix_of(args, common_layer(fitted, None)))
        fitted = fit_variants(variants, train, settings, epochs=args.epochs)
    return Experiment(
        variants=fitted,
        data=args.data,
        train=train,
        val=val,
        out=args.out,
        seeds=seeds_of(args),
        epochs=args.epochs,
        settings=settings,
        margin=args.margin / 100,
        until=until,
    ).matched()
