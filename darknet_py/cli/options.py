"""Options that several verbs share, each declared once, and the numbers that options take."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from darknet_py.errors import UsageError

if TYPE_CHECKING:
    from darknet_py.cfg.document import Document
    from darknet_py.cfg.edits import Edit

CFG_HELP = "a cfg file, or a shipped one by name"
VARIANT_HELP = f"{CFG_HELP}, or CFG@EDIT,... as in yolov3-spp@82.size=19"


def add_cfg(parser: argparse.ArgumentParser, *, option: bool = False, required: bool = True) -> None:
    """CFG, or `--cfg CFG`; and `--set`."""
    if option:
        parser.add_argument("--cfg", required=required, help=VARIANT_HELP)
    else:
        parser.add_argument("cfg", help=VARIANT_HELP)
    parser.add_argument(
        "--set", action="append", metavar="EDIT", help="edit the cfg first, as in net.width=608 or 82.size=19"
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """`--json` and `-o`; `terminal.print_result` obeys them."""
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("-o", dest="output", type=Path, metavar="FILE", help="write JSON to a file")


def add_data(parser: argparse.ArgumentParser, *, option: bool = True) -> None:
    """`--data DATA`, or DATA."""
    from darknet_py.data.formats.registry import DATA_HELP

    if option:
        parser.add_argument("--data", required=True, help=DATA_HELP)
    else:
        parser.add_argument("data", help=DATA_HELP)


def add_skip_bad(parser: argparse.ArgumentParser) -> None:
    """`--skip-bad`."""
    parser.add_argument(
        "--skip-bad",
        default="0",
        metavar="N",
        help="images of a split that may be unreadable and are left out: a number, or a share such as 1%% "
        "(default: 0)",
    )


def add_device(parser: argparse.ArgumentParser) -> None:
    """`--device`."""
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, mps (default: cpu)")


def add_engine(parser: argparse.ArgumentParser, *, others: tuple[str, ...] = ()) -> None:
    """`--engine` and `--verbose`.

    Args:
        others: values that `--engine` takes besides, and does not list.
    """
    from darknet_py.engines.names import ENGINES

    parser.add_argument(
        "--engine",
        choices=(*ENGINES, *others),
        default=ENGINES[0],
        metavar="|".join(ENGINES),
        help="what runs the network (default: auto, onnxruntime on a CPU if it can, else torch)",
    )
    parser.add_argument("--verbose", action="store_true", help="say which engine runs, and why")


def print_engine(args: argparse.Namespace) -> Callable[[str], None]:
    """What `open_engine` reports: a line on standard error with `--verbose`, else nothing."""
    return partial(print, file=sys.stderr) if args.verbose else lambda line: None


def add_plugin(parser: argparse.ArgumentParser) -> None:
    """`--plugin`, which every verb has."""
    parser.add_argument(
        "--plugin",
        action="append",
        default=[],
        type=Path,
        metavar="FILE.py",
        help="a file with layers of your own; may be repeated",
    )


def add_detection(
    parser: argparse.ArgumentParser, *, threshold: float, nms: float, batch: int, network: bool = True
) -> None:
    """What `detect` and `eval` share: a cfg and weights, thresholds, batch and device.

    Args:
        network: the cfg and the weights are required.
    """
    add_cfg(parser, option=True, required=network)
    parser.add_argument("--weights", required=network, type=Path, help="Darknet weights")
    parser.add_argument(
        "--threshold", type=float, default=threshold, help=f"lowest score (default: {threshold})"
    )
    parser.add_argument(
        "--nms", type=float, default=nms, help=f"overlap that suppresses a weaker box (default: {nms})"
    )
    parser.add_argument("--batch", type=count, default=batch, help=f"images at once (default: {batch})")
    add_device(parser)


def add_model(parser: argparse.ArgumentParser) -> None:
    """`--model`; `detecting.network.given_network` reads it."""
    parser.add_argument(
        "--model", type=Path, metavar="FILE", help="in place of both: an ONNX file that `export` wrote"
    )


def add_margin(parser: argparse.ArgumentParser, *, default: float | None) -> None:
    """`--margin`, in points of 100; None: that of the comparison."""
    parser.add_argument(
        "--margin",
        type=margin,
        metavar="POINTS",
        default=default,
        help="AP or top-1, in points of 100: a difference within it is none for practical purposes"
        f" (default: {'that of the comparison' if default is None else default})",
    )


def document_of(args: argparse.Namespace) -> Document:
    """The cfg that the command line names, with `--set` applied; compiling it reports its errors."""
    from darknet_py.edit.variant import open_variant

    document = open_variant(args.cfg)
    if not args.set:
        return document
    from darknet_py.edit.overrides import apply_overrides

    return apply_overrides(document, edits_of(args))


def edits_of(args: argparse.Namespace) -> list[Edit]:
    """The edits of `--set`."""
    from darknet_py.cfg.edits import parse_edits

    return [edit for text in args.set or () for edit in parse_edits(text)]


def check_place(option: str, path: Path) -> None:
    """Refuse a place where no file can be written, before the work that would be lost.

    Raises: UsageError: when it is a folder, or its folder does not exist.
    """
    if path.is_dir() or not path.parent.is_dir():
        raise UsageError(f"{option} {path}: is a folder, or in none that exists")


def natural(text: str) -> int:
    """A whole number of 0 or more."""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 0 or more")
    return int(text)


def count(text: str) -> int:
    """A whole number of 1 or more."""
    if natural(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not 1 or more")
    return int(text)


def positive(text: str) -> float:
    """A number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


def margin(text: str) -> float:
    """A number of points."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100:  # NaN too
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of points, 0 to 100")
    return value
