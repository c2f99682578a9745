"""`--train-from` and what goes with it: only the layers from one on are trained."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

from darknet_py.cli.options import count, natural
from darknet_py.cli.terminal import print_note
from darknet_py.errors import UsageError, quoted

if TYPE_CHECKING:
    from darknet_py.train.prefix.settings import PrefixSettings
    from darknet_py.train.settings import TrainingPlan

AUTO = "auto"
SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(|[kMGT]i?)B?")
POWERS = " kMGT"
VERSIONS, LIMIT = 4, "2GB"


def add_prefix(parser: argparse.ArgumentParser) -> None:
    """Add the options of both verbs."""
    parser.add_argument(
        "--train-from",
        type=_layer,
        metavar="N",
        help="train layer N and those behind it alone: the layers before keep --weights, and their maps "
        "are computed once for each image; `compare` also takes auto, the first layer that differs",
    )
    parser.add_argument(
        "--versions",
        type=count,
        metavar="K",
        help="with --train-from: each image is augmented in K ways, which come back in later epochs "
        f"(default: {VERSIONS})",
    )
    parser.add_argument(
        "--keep-maps",
        type=_size,
        metavar="SIZE",
        help="with --train-from: how much of the maps is kept, such as 500MB or 8GiB; 0 keeps none, with the "
        f"same results (default: {LIMIT})",
    )
    parser.add_argument(
        "--maps-dir",
        type=Path,
        metavar="FOLDER",
        help="with --train-from: keep the maps in files, which runs can share (default: in memory)",
    )


def prefix_of(args: argparse.Namespace, layer: int | None = None) -> PrefixSettings | None:
    """What `--train-from` asks for; options that need it are checked.

    Args:
        layer: the one that `auto` found.
    """
    if args.train_from is None:
        given = {"--versions": args.versions, "--keep-maps": args.keep_maps, "--maps-dir": args.maps_dir}
        for option in (name for name, value in given.items() if value is not None):
            raise UsageError(f"{option} is for --train-from N, and there is none")
        return None
    from darknet_py.train.prefix.settings import PrefixSettings
    from darknet_py.train.prefix.stores import open_maps

    limit = _size(LIMIT) if args.keep_maps is None else args.keep_maps
    if args.maps_dir and not limit:
        raise UsageError("--maps-dir says where maps are kept, and --keep-maps 0 keeps none")
    number = args.train_from if layer is None else layer
    return PrefixSettings(number, args.versions or VERSIONS, open_maps(limit, args.maps_dir))


def print_prefix(args: argparse.Namespace, plan: TrainingPlan) -> None:
    """Print which layers of a run are trained, and how much there is to keep of the others."""
    from darknet_py.train.prefix.settings import bytes_of_maps

    if (prefix := plan.settings.prefix) is None:
        return
    layer, versions = prefix.layer, prefix.versions
    samples = versions * len(plan.train) + len(plan.val)
    each = bytes_of_maps(plan.graph, layer)
    limit = _size(LIMIT) if args.keep_maps is None else args.keep_maps
    text = f"{samples * each / 1e9:.2g} GB of maps: {samples:,} samples, {each / 1e6:.2g} MB each"
    if samples * each > limit > 0:
        text += f"; --keep-maps {limit / 1e9:g}GB has room for {limit // each:,}, others are computed again"
    print_note(
        args,
        f"layers 0 to {layer - 1} are frozen with the weights of {quoted(str(plan.settings.weights))}, and "
        f"layer {layer} and those behind it are trained: what is found holds given this backbone; {text}",
    )


def _layer(text: str) -> int | str:
    if text == AUTO:
        return AUTO
    try:
        return natural(text)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"{text!r} is not the number of a layer, as `show` counts") from None


def _size(text: str) -> int:
    found = SIZE.fullmatch(text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 500MB, 2GB or 8GiB")
    number, unit = float(found[1]), found[2]
    return int(number * (1024 if unit.endswith("i") else 1000) ** POWERS.index(unit[:1] or " "))
