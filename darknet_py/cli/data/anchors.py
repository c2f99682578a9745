"""`data anchors`: anchors for the boxes of a data set."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from darknet_py.cli.options import add_data, count, natural
from darknet_py.cli.terminal import print_result

if TYPE_CHECKING:
    from darknet_py.data.tools.anchors import Anchors


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the subverb's options."""
    add_data(parser, option=False)
    parser.add_argument("--num", type=count, default=6, help="how many (default: 6)")
    parser.add_argument("--width", type=count, default=416, help="of the network's input (default: 416)")
    parser.add_argument("--height", type=count, default=416, help="of the network's input (default: 416)")
    parser.add_argument("--seed", type=natural, default=0, help="of the first centres (default: 0)")
    parser.add_argument("--tries", type=count, default=1, help="seeds to try; the best is kept (default: 1)")
    parser.add_argument("--split", default="train", help="train or val (default: train)")


def run(args: argparse.Namespace) -> int:
    """Print the anchors, and how well they fit."""
    from darknet_py.data.formats.registry import open_data
    from darknet_py.data.tools.anchors import anchors_of

    found = anchors_of(
        open_data(args.data, split=args.split),
        number=args.num,
        width=args.width,
        height=args.height,
        seed=args.seed,
        tries=args.tries,
    )
    print_result(args, lambda: _json(args, found), lambda: _lines(args, found))
    return 0


def _json(args: argparse.Namespace, found: Anchors) -> dict[str, Any]:
    return {
        "anchors": found.sizes.tolist(),
        "shares": found.shares.tolist(),
        "average_iou": found.average_iou,
        "boxes": found.boxes,
        "width": args.width,
        "height": args.height,
        "seed": found.seed,
    }


def _lines(args: argparse.Namespace, found: Anchors) -> Iterator[str]:
    yield found.line(args.width)
    size = f"num={args.num}, width={args.width}, height={args.height}, seed {found.seed}"
    yield f"{size}: {found.boxes:,} boxes, average IoU {100 * found.average_iou:.2f} %"
    for (width, height), share in zip(found.sizes.tolist(), found.shares.tolist(), strict=True):
        yield f"{width:6.0f} x {height:<6.0f} {100 * share:5.1f} % of the boxes"
