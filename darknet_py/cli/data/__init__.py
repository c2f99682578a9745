"""`data`: data sets: their damage, their anchors, other layouts, and official downloads."""

from __future__ import annotations

import argparse

from darknet_py.cli.data import anchors, check, convert, fetch, show, split
from darknet_py.cli.options import add_json

SUBVERBS = {
    "check": (check, "every damage of a data set, each with its file and line"),
    "show": (show, "the boxes of a data set, drawn on its images"),
    "anchors": (anchors, "anchors for the boxes of a data set, as Darknet computes them"),
    "convert": (convert, "a data set in another layout"),
    "split": (split, "a data set divided in train and val"),
    "fetch": (fetch, "official downloads: data sets and weights"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    subverbs = parser.add_subparsers(dest="subverb", required=True, metavar="SUBVERB")
    for name, (module, summary) in SUBVERBS.items():
        subverb = subverbs.add_parser(name, help=summary, description=summary)
        module.add_arguments(subverb)
        if module not in (split, show):  # whose -o is a folder
            add_json(subverb)


def run(args: argparse.Namespace) -> int:
    """Run the subverb."""
    module, _ = SUBVERBS[args.subverb]
    code: int = module.run(args)
    return code
