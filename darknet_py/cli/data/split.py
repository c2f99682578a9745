"""`data split`: a data set divided in train and val."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from darknet_py.cli.options import natural
from darknet_py.cli.terminal import print_result
from darknet_py.data.choices import LAYOUTS
from darknet_py.data.formats.registry import DATA_HELP

if TYPE_CHECKING:
    from darknet_py.data.tools.split import Split

MOST_CLASSES = 80  # lines of the table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the subverb's options; `-o` is the new data set, as that of `edit` is the new cfg."""
    parser.add_argument(
        "data", help=f"a VOC folder, or {DATA_HELP}; its val, if it has one, is joined with train"
    )
    parser.add_argument("--val", required=True, help="how much is val: 20%%, 0.2, or a number of images")
    parser.add_argument(
        "-o",
        "--out",
        required=True,
        type=Path,
        metavar="NEW",
        help="a folder that does not exist yet, or is empty",
    )
    parser.add_argument("--seed", type=natural, default=0, help="of the choice between equals (default: 0)")
    parser.add_argument(
        "--group",
        default="",
        metavar="PATTERN",
        help="images stay together whose paths have the same text for this regular expression, as in "
        "'video_[0-9]+' (default: copies of one picture, as Roboflow names them); equal files always do",
    )
    parser.add_argument(
        "--to", default="", choices=LAYOUTS, help="the layout to write (default: the source's)"
    )
    parser.add_argument("--copy", action="store_true", help="copy the images (default: link to them)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(output=None)


def run(args: argparse.Namespace) -> int:
    """Write the data set, and print how it was divided."""
    from darknet_py.data.tools.split import SplitRequest, split_data

    request = SplitRequest(args.val, args.seed, args.group, args.to, args.copy)
    done = split_data(args.data, args.out, request)
    facts = {
        "out": str(args.out),
        "images": done.written.images,
        "boxes": done.written.boxes,
        "classes": {name: {"train": train, "val": val} for name, (train, val) in done.boxes.items()},
        "source": done.joined,
        "groups": done.groups[0],
        "seed": args.seed,
        "changed": dict(+done.written.changes),
    }
    print_result(args, lambda: facts, lambda: _lines(args, done))
    return 0


def _lines(args: argparse.Namespace, done: Split) -> Iterator[str]:
    if len(done.joined) > 1:
        yield (
            " and ".join(f"{split} ({images:,} images)" for split, images in done.joined.items())
            + " were joined"
        )
    for what, number in (+done.written.changes).items():
        yield f"{number:,} x {what}"
    if done.repeated:
        yield f"{done.repeated:,} x image listed twice, kept once"
    groups, images = done.groups
    if groups:
        yield f"{images:,} images in {groups:,} groups of copies, each in one part"
    counts = done.written.images.values()
    width = max(len("images"), *(len(name) for name in [*done.boxes, ""][:MOST_CLASSES]))
    yield f"{'':{width}} {'train':>9} {'val':>9}  val of all"
    yield _row("images", (*counts,), width)
    yield _row("boxes", (*done.written.boxes.values(),), width)
    for name, boxes in list(done.boxes.items())[:MOST_CLASSES]:
        yield _row(name, boxes, width)
    if len(done.boxes) > MOST_CLASSES:
        yield f"and {len(done.boxes) - MOST_CLASSES:,} more classes; --json has all"
    for part, split in enumerate(("train", "val")):
        absent = [name for name, boxes in done.boxes.items() if not boxes[part] and boxes[1 - part]]
        if absent:
            yield f"warning: {split} has no box of {len(absent):,} classes: {', '.join(absent[:5])}"
    yield f"use it as --data {args.out / 'obj.data' if done.layout == 'darknet' else args.out}"


def _row(name: str, numbers: tuple[int, ...], width: int) -> str:
    train, val = numbers
    share = f"{100 * val / (train + val):9.1f} %" if train + val else f"{'n/a':>11}"
    return f"{name:{width}} {train:>9,} {val:>9,} {share}"
