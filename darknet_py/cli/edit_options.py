"""The options of `edit` and `diff`."""

from __future__ import annotations

import argparse
from pathlib import Path

ALL = "all"


def declare(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add both verbs."""
    edit = verbs.add_parser("edit", help="change a cfg and keep what refers to its layers right")
    edit.add_argument("cfg", help="a cfg file, or a shipped one by name")
    edit.add_argument("--set", action="append", metavar="EDIT", help="LAYER.KEY=VALUE, as in 82.size=19")
    edit.add_argument(
        "--insert-after",
        action="append",
        nargs=2,
        default=[],
        metavar=("LAYER", "SECTION"),
        help="a new layer behind this one (or net), as in 11 'route layers=-1,8'",
    )
    edit.add_argument(
        "--replace",
        action="append",
        default=[],
        metavar="LAYER=SECTION",
        help="another section with the keys that it shares, as in 11=dropout or 11='dropout probability=.3'",
    )
    edit.add_argument("--delete", action="append", default=[], metavar="LAYER", help="take a layer out")
    for word, what in (
        ("--expand", "write layers of ours, such as pyramids, in Darknet's sections"),
        ("--fold", "read such sections back as one layer"),
    ):
        edit.add_argument(word, action="append", nargs="?", const=ALL, metavar="LAYER", help=f"{what}; all")
    edit.add_argument("--plain", action="store_true", help="write numbers where layers have names")
    edit.add_argument("-o", dest="output", type=Path, metavar="NEW", help="the new cfg (default: print it)")
    edit.add_argument("--force", action="store_true", help="overwrite a file that is there")
    diff = verbs.add_parser("diff", help="two networks: which layers differ, what they cost and see")
    diff.add_argument("a", metavar="A", help="a cfg, also with edits: CFG@82.size=19")
    diff.add_argument("b", metavar="B", help="the other")
    diff.add_argument("--svg", type=Path, metavar="FILE", help="draw B into a file, with what differs marked")
    diff.add_argument("--json", action="store_true", help="print JSON")
    diff.add_argument("-o", dest="output", type=Path, metavar="FILE", help="write JSON to a file")
