"""The options of `train` and `compare`; what they do is in `training`, which needs torch."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path

Number = Callable[[str], int]
Parser = argparse.ArgumentParser
Verbs = argparse._SubParsersAction  # argparse has no public name for what add_subparsers returns
WORKERS_PER_CORE = 8  # each holds some 400 MB


def declare(
    verbs: Verbs[Parser],
    *,
    count: Number,
    natural: Number,
    cfg: Callable[[Parser], None],
    shared: Callable[[Parser], None],
) -> None:
    """Add `train` and `compare` to the verbs.

    Args:
        count: reads a whole number of 1 or more.
        natural: reads a whole number of 0 or more.
        cfg: adds `--set`.
        shared: adds the data and the device.
    """
    train, compare = _train(verbs, count, natural), _compare(verbs, count)
    cfg(train)
    for verb in (train, compare):
        _run(verb, count, natural)
        _checkpoints(verb, natural)
        _cache(verb)
        shared(verb)


def _train(verbs: Verbs[Parser], count: Number, natural: Number) -> Parser:
    train = verbs.add_parser("train", help="train a network")
    train.add_argument("--cfg", required=True, help="a cfg file, or a shipped one by name")
    train.add_argument("--seed", type=natural, default=0, help="of everything random (default: 0)")
    train.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    train.add_argument(
        "--show-batches", type=count, metavar="N", help="draw the first N batches into --out, and stop"
    )
    train.add_argument(
        "--rank-timeout",
        type=_positive,
        default=300.0,
        metavar="S",
        help="under torchrun: how long a process waits for another (default: 300)",
    )
    return train


def _compare(verbs: Verbs[Parser], count: Number) -> Parser:
    compare = verbs.add_parser("compare", help="train variants, and report how they compare")
    compare.add_argument(
        "cfg",
        nargs="+",
        help="CFG or CFG@EDIT,... as in cfg/yolov3-spp.cfg@82.size=19; the first is the baseline",
    )
    compare.add_argument("--seeds", type=count, default=2, help="trainings of each variant (default: 2)")
    return compare


def _run(verb: Parser, count: Number, natural: Number) -> None:
    verb.add_argument("--out", required=True, type=Path, help="folder of the run")
    verb.add_argument("--weights", type=Path, help="Darknet weights to start from")
    verb.add_argument("--partial", type=count, metavar="N", help="read the first N layers of --weights alone")
    verb.add_argument(
        "--epochs", type=_positive, help="passes over the data (default: as [net] max_batches says)"
    )
    verb.add_argument(
        "--recipe",
        choices=("modern", "darknet"),
        default="modern",
        help="modern, for detectors: mosaics, cosine, average of weights, CIoU, told and written into the "
        "run's cfg; darknet: as the cfg and Darknet say (default: modern)",
    )
    verb.add_argument(
        "--evaluations", type=count, default=5, help="evaluations during a training (default: 5)"
    )
    verb.add_argument(
        "--workers",
        type=lambda text: _workers(natural(text)),
        default=0,
        help="processes that load images (default: 0, none besides this one)",
    )
    verb.add_argument(
        "--precision",
        choices=("float32", "bfloat16", "float16"),
        default="float32",
        help="of activations in training; weights stay float32 (default: float32)",
    )
    verb.add_argument("--compile", action="store_true", help="by torch.compile; needs a C++ compiler")
    verb.add_argument("--tensorboard", action="store_true", help="event files too, in the run's folder")


def _checkpoints(verb: Parser, natural: Number) -> None:
    verb.add_argument(
        "--checkpoint-seconds",
        type=_seconds,
        default=60.0,
        metavar="S",
        help="between two checkpoints; 0 writes one after every iteration (default: 60)",
    )
    verb.add_argument(
        "--keep", type=natural, default=1, help="older checkpoints beside the newest (default: 1)"
    )
    verb.add_argument(
        "--keep-trying",
        action="store_true",
        help="where a checkpoint cannot be written, say so and train on (default: stop)",
    )
    verb.add_argument(
        "--allow-changed",
        action="append",
        default=[],
        choices=("torch", "device", "threads", "world-size"),
        help="go on where this is not as it was; the last bits will differ; may be repeated",
    )


def _cache(verb: Parser) -> None:
    verb.add_argument(
        "--cache",
        choices=("ram", "disk", "none"),
        default="ram",
        help="where decoded images are kept, for all loaders together (default: ram)",
    )
    verb.add_argument(
        "--cache-gib",
        type=_positive,
        metavar="N",
        help="at most so much of them (default: 0.5 in ram, 10 on disk)",
    )
    verb.add_argument(
        "--cache-dir",
        type=Path,
        metavar="FOLDER",
        help="of --cache disk (default: darknet-py/images in the user's cache folder)",
    )


def _workers(number: int) -> int:
    most = WORKERS_PER_CORE * (os.cpu_count() or 1)
    if number > most:
        raise argparse.ArgumentTypeError(
            f"{number} are more than this machine's cores can use; at most {most}"
        )
    return number


def _seconds(text: str) -> float:
    return 0.0 if text == "0" else _positive(text)


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value
