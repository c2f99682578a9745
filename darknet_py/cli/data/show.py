"""`data show`: the boxes of a data set drawn on its images."""

from __future__ import annotations

import argparse
from pathlib import Path

from darknet_py.cli.options import add_data, count
from darknet_py.cli.terminal import print_note, print_opening
from darknet_py.files.json_text import json_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the subverb's options; `-o` is the folder of pictures."""
    add_data(parser, option=False)
    parser.add_argument(
        "-o",
        "--out",
        required=True,
        type=Path,
        metavar="FOLDER",
        help="for the pictures; it does not exist yet, or is empty",
    )
    parser.add_argument("--split", help="train, val, test, or X of instances_X.json (default: train, or all)")
    parser.add_argument("--count", type=count, default=16, help="how many images (default: 16)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(output=None)


def run(args: argparse.Namespace) -> int:
    """Draw, and print a line for each picture."""
    from darknet_py.data.formats.registry import open_data, splits_of
    from darknet_py.predict.truth_pictures import draw_truths

    split = args.split or splits_of(args.data)[0]
    data = open_data(args.data, split=split)
    print_opening(args, {split: data})
    for note in data.notes:
        print_note(args, f"classes: {note}")
    drawn = []
    for picture in draw_truths(data, args.out, count=args.count):
        drawn.append({"image": picture.image, "boxes": picture.boxes, "file": str(picture.file)})
        if not args.json:
            print_note(args, f"{picture.file}: {picture.boxes} box{'' if picture.boxes == 1 else 'es'}")
    if args.json:
        print(json_text(drawn, indent=1))
    return 0
