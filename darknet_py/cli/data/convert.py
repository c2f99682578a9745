"""`data convert`: a data set in another layout."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from darknet_py.cli.terminal import print_result
from darknet_py.data.choices import LAYOUTS
from darknet_py.data.formats.registry import DATA_HELP

if TYPE_CHECKING:
    from darknet_py.data.tools.convert import Converted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the subverb's options."""
    parser.add_argument("source", help=DATA_HELP)
    parser.add_argument("--to", required=True, choices=LAYOUTS, help="the layout to write")
    parser.add_argument(
        "--out", required=True, type=Path, help="a folder that does not exist yet, or is empty"
    )
    parser.add_argument(
        "--boxes",
        default="",
        metavar="UNITS",
        help="the units of the source's boxes where they are not its format's: xywh, corners or centre, and "
        "pixels, fractions or percent, as in fractions or corners,fractions",
    )
    parser.add_argument("--copy", action="store_true", help="copy the images (default: link to them)")


def run(args: argparse.Namespace) -> int:
    """Write the data set, and print what was written."""
    from darknet_py.data.tools.convert import convert

    done = convert(args.source, to=args.to, out=args.out, copy=args.copy, boxes=args.boxes)
    facts = {
        "out": str(args.out),
        "images": done.images,
        "boxes": done.boxes,
        "changed": dict(+done.changes),
    }
    print_result(args, lambda: facts, lambda: _lines(args, done))
    return 0


def _lines(args: argparse.Namespace, done: Converted) -> Iterator[str]:
    for split, images in done.images.items():
        yield f"{split}: {images:,} images, {done.boxes[split]:,} boxes"
    yield from (f"classes: {note}" for note in done.notes)
    for what, number in (+done.changes).items():
        yield f"{number:,} x {what}"
    yield f"use it as --data {args.out / 'obj.data' if args.to == 'darknet' else args.out}"
