"""`train`: one training, in this process or in all that torchrun started."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from darknet_py.cli.comparing.prefix import AUTO, print_prefix
from darknet_py.cli.options import add_cfg, count, document_of, edits_of, natural, positive
from darknet_py.cli.progress import show_progress
from darknet_py.cli.terminal import print_opening, print_result
from darknet_py.cli.training import add_training, open_splits, print_changes, print_class_notes, settings_of
from darknet_py.errors import UsageError

if TYPE_CHECKING:
    from darknet_py.distributed.communicator import Communicator
    from darknet_py.train.settings import TrainingPlan


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    add_cfg(parser, option=True)
    parser.add_argument("--seed", type=natural, default=0, help="of everything random (default: 0)")
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="A=B",
        help="layer A of --weights-cfg is layer B, where that would be a guess; may be repeated",
    )
    parser.add_argument("--resume", action="store_true", help="continue from the checkpoint in --out")
    parser.add_argument(
        "--show-batches", type=count, metavar="N", help="draw the first N batches into --out, and stop"
    )
    parser.add_argument(
        "--rank-timeout",
        type=positive,
        default=300.0,
        metavar="S",
        help="under torchrun: how long a process waits for another (default: 300)",
    )
    add_training(parser)


def run(args: argparse.Namespace) -> int:
    """Train, and print the figures."""
    from darknet_py.distributed.process_info import ProcessInfo
    from darknet_py.distributed.rendezvous import process_group
    from darknet_py.report.run_plot import draw_run
    from darknet_py.tasks.metrics import describe_scores
    from darknet_py.train.loop import train

    with process_group(ProcessInfo.from_environment(os.environ), seconds=args.rank_timeout) as communicator:
        finished = args.out / "result.json"
        if communicator.process.restarts and communicator.broadcast_json(finished.exists()):
            return 0  # a process was lost when all was done
        with communicator.local_section():
            plan = _plan(args, communicator)
        communicator.use_device(plan.settings.device)
        if args.show_batches:
            return _show_batches(args, plan) if communicator.first else 0
        with show_progress("it", quiet=not communicator.first) as progress:
            result = train(plan, communicator=communicator, progress=progress)
        if communicator.first:
            curves, weights = draw_run(args.out), args.out / "final.weights"
            text = f"{describe_scores(result)}; weights in {weights}, curves in {curves}"
            print_result(args, lambda: result, lambda: [text])
    return 0


def _plan(args: argparse.Namespace, communicator: Communicator) -> TrainingPlan:
    """What is to be trained; the first process checks the folder, and prints what was changed in the cfg."""
    from darknet_py.train.api import TrainingRequest, refuse_run

    if args.train_from == AUTO:
        raise UsageError(
            "--train-from auto is the first layer in which variants of `compare` differ",
            hint="name a layer: --train-from N",
        )
    if communicator.first:
        refuse_run(args.out, resume=args.resume or communicator.process.restarts > 0)
    document, splits = document_of(args), open_splits(args, quiet=not communicator.first)
    request = TrainingRequest(
        document=document,
        name=Path(args.cfg).stem,
        data=args.data,
        splits=splits,
        out=args.out,
        seed=args.seed,
        epochs=args.epochs,
        settings=settings_of(args, communicator.process),
        edits=edits_of(args),
    )
    plan, changes = request.plan()
    if communicator.first:
        print_opening(args, {"train": plan.train, "val": plan.val})
        print_class_notes(args, plan.train, plan.val)
        print_prefix(args, plan)
        print_changes(args, plan.graph, changes)
    return plan


def _show_batches(args: argparse.Namespace, plan: TrainingPlan) -> int:
    """The first batches as pictures; nothing is trained."""
    from darknet_py.tasks.selection import task_of
    from darknet_py.train.run.batch_images import write_batch_image
    from darknet_py.train.settings import source_of

    plan.out.mkdir(parents=True, exist_ok=True)
    task = task_of(plan.graph)
    task.check_data(plan.train)
    drawn = []
    for number, batch in zip(range(1, args.show_batches + 1), source_of(plan, task), strict=False):
        path = plan.out / f"batch-{number}.jpg"
        shown = write_batch_image(batch, path, plan.train.names)
        boxes = sum(map(len, batch.rows))
        drawn.append({"path": str(path), "shown": shown, "images": len(batch.images), "boxes": boxes})
    line = "{path}: {shown} of {images} images, {boxes} boxes in all"
    print_result(args, lambda: drawn, lambda: [line.format_map(one) for one in drawn])
    return 0
