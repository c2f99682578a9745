"""What `train`, `compare` and in part `eval` share: options, and the settings and data that these give."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from darknet_py.cli.comparing.prefix import AUTO, add_prefix, prefix_of
from darknet_py.cli.options import add_data, add_device, add_json, add_skip_bad, count, natural, positive
from darknet_py.cli.progress import show_progress
from darknet_py.cli.terminal import print_json, print_note, wants_json
from darknet_py.data.choices import CACHES
from darknet_py.errors import UsageError
from darknet_py.model.adapt.choices import STARTS
from darknet_py.runs.choices import ENVIRONMENT_PARTS, PRECISIONS, RECIPES

if TYPE_CHECKING:
    from darknet_py.data.dataset import Dataset
    from darknet_py.distributed.process_info import ProcessInfo
    from darknet_py.graph.graph import Graph
    from darknet_py.train.carrying import WeightsSource
    from darknet_py.train.settings import Settings

WORKERS_PER_CORE = 8  # each holds some 400 MB


def add_training(parser: argparse.ArgumentParser) -> None:
    """Add the options of both verbs."""
    _add_run(parser)
    _add_weights(parser)
    add_prefix(parser)
    _add_checkpoints(parser)
    _add_cache(parser)
    add_data(parser)
    add_skip_bad(parser)
    add_device(parser)
    add_json(parser)


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", required=True, type=Path, help="folder of the run")
    parser.add_argument(
        "--epochs", type=positive, help="passes over the data (default: as [net] max_batches says)"
    )
    parser.add_argument(
        "--recipe",
        choices=RECIPES,
        default=RECIPES[0],
        help="modern, for detectors: mosaics, cosine schedule, average of weights, CIoU; what it changes is "
        "printed and written into the run's cfg. darknet: the cfg as it is (default: modern)",
    )
    parser.add_argument(
        "--evaluations", type=count, default=5, help="evaluations during a training (default: 5)"
    )
    parser.add_argument(
        "--workers",
        type=_workers,
        default=0,
        help="processes that load images (default: 0, this process loads them)",
    )
    parser.add_argument(
        "--precision",
        choices=PRECISIONS,
        default=PRECISIONS[0],
        help="of activations in training; weights stay float32 (default: float32)",
    )
    parser.add_argument("--compile", action="store_true", help="use torch.compile; needs a C++ compiler")
    parser.add_argument("--tensorboard", action="store_true", help="write event files too, into --out")


def _add_weights(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--weights", type=Path, help="Darknet weights to start from")
    parser.add_argument(
        "--partial", type=count, metavar="N", help="read the first N layers of --weights alone"
    )
    parser.add_argument(
        "--weights-cfg",
        metavar="A",
        help="the cfg that --weights belong to, CFG or CFG@EDIT, where it is another: they are carried over, "
        "as `adapt` does, with a ledger in the run's folder",
    )
    parser.add_argument(
        "--adapt", choices=STARTS, help=f"what new inputs start from then (default: {STARTS[0]})"
    )
    parser.add_argument(
        "--names", type=Path, help="file of the class names of --weights (default: that next to them)"
    )


def _add_checkpoints(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--checkpoint-seconds",
        type=lambda text: 0.0 if text == "0" else positive(text),
        default=60.0,
        metavar="S",
        help="between two checkpoints; 0 writes one after every iteration (default: 60)",
    )
    parser.add_argument(
        "--keep", type=natural, default=1, help="older checkpoints that stay next to the newest (default: 1)"
    )
    parser.add_argument(
        "--keep-trying",
        action="store_true",
        help="where a checkpoint cannot be written, warn and train on (default: stop)",
    )
    parser.add_argument(
        "--allow-changed",
        action="append",
        default=[],
        choices=ENVIRONMENT_PARTS,
        help="resume although this has changed; the last bits will differ; may be repeated",
    )


def _add_cache(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--cache",
        choices=CACHES,
        default=CACHES[0],
        help="where decoded images are kept, for all loaders together (default: ram)",
    )
    parser.add_argument(
        "--cache-gib",
        type=positive,
        metavar="N",
        help="the limit of the cache (default: 0.5 in ram, 10 on disk)",
    )
    parser.add_argument(
        "--cache-dir",
        type=Path,
        metavar="FOLDER",
        help="of --cache disk (default: darknet-py/images in the user's cache folder)",
    )


def _workers(text: str) -> int:
    number, most = natural(text), WORKERS_PER_CORE * (os.cpu_count() or 1)
    if number > most:
        raise argparse.ArgumentTypeError(
            f"{number} are more than this machine's cores can use; at most {most}"
        )
    return number


def _source_of(args: argparse.Namespace) -> WeightsSource | None:
    """The cfg of the weights; options that need each other are checked."""
    from darknet_py.train.carrying import WeightsSource

    pins = tuple(getattr(args, "map", ()))
    if args.weights_cfg is None:
        if args.adapt or pins:
            option = "--adapt" if args.adapt else "--map"
            raise UsageError(f"{option} says how weights are carried over; add --weights-cfg A, their cfg")
        return None
    if args.weights is None:
        raise UsageError("--weights-cfg is the cfg of --weights, and there is no --weights")
    if args.partial:
        raise UsageError("--partial reads the first layers, --weights-cfg all that match: give one of them")
    return WeightsSource(args.weights_cfg, args.adapt or STARTS[0], pins)


def settings_of(args: argparse.Namespace, process: ProcessInfo, *, device: str | None = None) -> Settings:
    """The settings of one training, in one of its processes; those of `compare --train-from auto` lack it.

    Args:
        device: in place of `--device`.
    """
    from darknet_py.data.verify.limit import SkipLimit
    from darknet_py.model.device import usable
    from darknet_py.train.settings import Settings

    return Settings(
        weights=args.weights,
        partial=args.partial,
        source=_source_of(args),
        names=args.names,
        device=usable(process.device(device or args.device)),
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
        prefix=prefix_of(args) if args.train_from != AUTO else None,
        skip_bad=SkipLimit.parse(args.skip_bad),
    )


def open_splits(args: argparse.Namespace, *, quiet: bool = False) -> tuple[Dataset, Dataset]:
    """The data to train on and to evaluate on, behind the cache; options that need each other are checked.

    Args:
        quiet: show no progress.
    """
    from darknet_py.data.cache.cache import keep_images
    from darknet_py.data.formats.registry import open_data

    if args.partial and not args.weights:
        raise UsageError("--partial says how much of --weights to read, and there is no --weights")
    if args.names and not args.weights:
        raise UsageError("--names gives the classes of --weights, and there is no --weights")
    if args.cache_dir and args.cache != "disk":
        raise UsageError("--cache-dir is the folder of --cache disk", hint="add --cache disk")
    if args.cache_gib and args.cache == "none":
        raise UsageError("--cache-gib says how much is kept, and --cache none keeps nothing")
    train, val = open_data(args.data, split="train"), open_data(args.data, split="val")
    keep_images(train, val, kind=args.cache, gib=args.cache_gib, folder=args.cache_dir)
    train, val = readable_data(args, train, val, quiet=quiet)
    return train, val


def print_class_notes(args: argparse.Namespace, *data: Dataset) -> None:
    """Print how the classes of data were matched with those of a network, or of another split."""
    for one in data:
        for note in one.notes:
            print_note(args, f"classes: {note}")


def readable_data(args: argparse.Namespace, *data: Dataset, quiet: bool = False) -> tuple[Dataset, ...]:
    """Data sets without the images that cannot be read, as far as `--skip-bad` allows.

    Args:
        quiet: show no progress, and print no JSON.

    Raises:
        UnreadableImages: when there are more; with `--json` or `-o` their list is the result.
    """
    from darknet_py.data.summary import UNREADABLE
    from darknet_py.data.verify.limit import SkipLimit
    from darknet_py.data.verify.run import UnreadableImages, readable

    try:
        with show_progress("images", title="verifying", quiet=quiet) as progress:
            found = readable(*data, limit=SkipLimit.parse(args.skip_bad), progress=progress)
    except UnreadableImages as error:
        if wants_json(args) and not quiet:
            print_json(args, {"unreadable": error.to_json()})
        raise
    skipped = sum(one.dropped.get(UNREADABLE, 0) for one in found)
    if skipped and not quiet:
        total = sum(map(len, data))
        print(f"{skipped} of {total} images cannot be read, and are left out", file=sys.stderr)
    return found


def print_changes(args: argparse.Namespace, graph: Graph, changes: Sequence[str], *, name: str = "") -> None:
    """Print what was changed in the cfg, and its warnings, such as keys that are not honoured."""
    from darknet_py.lint.check import warnings

    for change in changes:
        print_note(args, f"cfg: {change}")
    for warning in warnings(graph):
        print_note(args, f"{name}cfg: " + ": ".join(filter(None, (warning.message, warning.reason))))
