"""Verbs that train."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from darknet_py.cli.terminal import bar
from darknet_py.cli.text import document_of, edits_of
from darknet_py.compare.experiment import Experiment
from darknet_py.compare.variants import fit_variants, parse_variants
from darknet_py.data.cache.cache import keep_images
from darknet_py.data.dataset import Dataset
from darknet_py.data.formats.registry import open_data
from darknet_py.distributed.communicator import Communicator
from darknet_py.distributed.process_info import ProcessInfo
from darknet_py.distributed.rendezvous import process_group
from darknet_py.errors import PeerFailed, UsageError
from darknet_py.graph.graph import Graph
from darknet_py.lint.check import warnings
from darknet_py.model.device import usable
from darknet_py.progress import Progress
from darknet_py.report.report import write_report
from darknet_py.report.run_plot import draw_run
from darknet_py.runs.checkpoints import has_run
from darknet_py.tasks.metrics import describe_scores
from darknet_py.tasks.selection import task_of
from darknet_py.train.loop import train as run
from darknet_py.train.recipe import prepared
from darknet_py.train.settings import Settings, TrainingPlan, source_of


def train(args: argparse.Namespace) -> int:
    """One training, in this process or in all that torchrun started."""
    with process_group(ProcessInfo.from_environment(os.environ), seconds=args.rank_timeout) as communicator:
        finished = args.out / "result.json"
        if communicator.process.restarts and communicator.broadcast_json(finished.exists()):
            return 0  # a process was lost when all was done
        with communicator.local_section():
            plan = _plan(args, communicator)
        communicator.use_device(plan.settings.device)
        if args.show_batches:
            return _show(plan, args.show_batches) if communicator.first else 0
        with bar(plan.graph.net.max_batches, "it", quiet=not communicator.first) as advance:
            result = run(
                plan, communicator=communicator, progress=lambda done, total, facts: advance(done, facts)
            )
        if communicator.first:
            weights, curves = args.out / "final.weights", draw_run(args.out)
            print(f"{describe_scores(result)}; weights in {weights}, curves in {curves}")
    return 0


def _plan(args: argparse.Namespace, communicator: Communicator) -> TrainingPlan:
    """What is to be trained; the first process looks at the folder, and tells what was changed in the cfg."""
    if communicator.first:
        _check_folder(args, resume=args.resume or communicator.process.restarts > 0)
    document, (train_data, val_data) = document_of(args), _both(args)
    settings = _settings(args, communicator.process)
    graph, changes = prepared(document, train_data, settings, args.epochs, edits=edits_of(args))
    if communicator.first:
        _tell(graph, changes)
    return TrainingPlan(
        graph=graph,
        train=train_data,
        val=val_data,
        out=args.out,
        name=Path(args.cfg).stem,
        data=args.data,
        seed=args.seed,
        settings=settings,
    )


def _check_folder(args: argparse.Namespace, *, resume: bool) -> None:
    if not resume and (has_run(args.out) or (args.out / "result.json").exists()):
        hint = "--resume goes on with it; or name another --out"
        raise UsageError("there is a run in this folder", where=args.out, hint=hint)
    if (args.out / "result.json").exists():
        raise UsageError("the run in this folder is finished", where=args.out, hint="name another --out")


def _show(plan: TrainingPlan, count: int) -> int:
    """The first batches as pictures; nothing is trained."""
    from darknet_py.train.run.batch_images import show_batch

    plan.out.mkdir(parents=True, exist_ok=True)
    task = task_of(plan.graph)
    task.check_data(plan.train)
    for number, batch in zip(range(1, count + 1), source_of(plan, task), strict=False):
        path = plan.out / f"batch-{number}.jpg"
        shown = show_batch(batch, path, plan.train.names)
        print(f"{path}: {shown} of {len(batch.images)} images, {sum(map(len, batch.rows))} boxes in all")
    return 0


def compare(args: argparse.Namespace) -> int:
    """Variants trained and set side by side in a report."""
    process = ProcessInfo.from_environment(os.environ)
    if process.size > 1:
        hint = "torchrun starts `train`; compare trains its variants one after the other"
        error = UsageError(f"compare runs in one process, not in {process.size}", hint=hint)
        raise error if process.rank == 0 else PeerFailed(error.message, exit_code=error.exit_code)
    variants, (train_data, val_data) = parse_variants(args.cfg), _both(args)
    settings = _settings(args, process)
    experiment = Experiment(
        variants=fit_variants(variants, train_data, settings, epochs=args.epochs),
        data=args.data,
        train=train_data,
        val=val_data,
        out=args.out,
        seeds=args.seeds,
        epochs=args.epochs,
        settings=settings,
    )
    left, total = experiment.unfinished, len(variants) * args.seeds
    print(f"{len(variants)} variants x {args.seeds} seeds on {args.data}: {left} of {total} runs to train")
    for number, fitted in enumerate(experiment.variants):
        _tell(fitted.graph, fitted.changes if number == 0 else (), name=f"{fitted.name}: ")
    experiment.run(print_line=lambda text: print(text, flush=True), progress=_run_progress)
    print(f"report: {write_report(args.out)} (report.md and report.json next to it)")
    return 0


@contextmanager
def _run_progress(plan: TrainingPlan) -> Iterator[Progress]:
    """A progress bar for one run."""
    with bar(plan.graph.net.max_batches, "it", title=f"{plan.name}, seed {plan.seed}") as advance:
        yield lambda done, total, facts=None: advance(done, facts)


def _settings(args: argparse.Namespace, process: ProcessInfo) -> Settings:
    device = usable(process.device(args.device))
    return Settings(
        weights=args.weights,
        partial=args.partial,
        device=device,
        workers=args.workers,
        evaluations=args.evaluations,
        recipe=args.recipe,
        precision=args.precision,
        compiled=args.compile,
        tensorboard=args.tensorboard,
        plugins=args.plugins,
        checkpoint_seconds=args.checkpoint_seconds,
        keep=args.keep,
        keep_trying=args.keep_trying,
        allow_changed=tuple(args.allow_changed),
        processes=process.size,
    )


def _both(args: argparse.Namespace) -> list[Dataset]:
    """The two splits, after a look at options that need each other."""
    if args.partial and not args.weights:
        raise UsageError("--partial says how much of --weights to read, and there is no --weights")
    if args.cache_dir and args.cache != "disk":
        raise UsageError("--cache-dir is the folder of --cache disk", hint="add --cache disk")
    if args.cache_gib and args.cache == "none":
        raise UsageError("--cache-gib says how much is kept, and --cache none keeps nothing")
    both = [open_data(args.data, split=split) for split in ("train", "val")]
    keep_images(*both, kind=args.cache, gib=args.cache_gib, folder=args.cache_dir)
    return both


def _tell(graph: Graph, changes: Sequence[str], *, name: str = "") -> None:
    """What was changed in the cfg, and what is suspicious about it, such as keys that are not honoured."""
    for change in changes:
        print(f"cfg: {change}")
    for warning in warnings(graph):
        print(f"{name}cfg: " + ": ".join(filter(None, (warning.message, warning.reason))))
