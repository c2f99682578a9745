"""`report`: the report of a comparison again, from its folder, or one of several comparisons."""

from __future__ import annotations

import argparse
from pathlib import Path

from darknet_py.cli.options import add_json, add_margin
from darknet_py.cli.terminal import print_result
from darknet_py.errors import quoted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    parser.add_argument("folder", nargs="+", type=Path, help="the --out of a `compare`; several are merged")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="where to write it (default: the folder, of one)",
    )
    parser.add_argument("--baseline", metavar="NAME", help="the variant to compare with (default: the first)")
    add_margin(parser, default=None)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Write the report, and print its verdicts."""
    from darknet_py.report.again import report
    from darknet_py.report.report import report_json

    margin = None if args.margin is None else args.margin / 100
    found = report(*args.folder, out=args.out, baseline=args.baseline, margin=margin)
    page = (args.out or args.folder[0]) / "report.html"
    lines = [f"{quoted(one.variant)}: {one.sentence}" for one in found.verdicts]
    lines.append(f"report: {page} (report.md and report.json next to it)")
    print_result(args, lambda: report_json(found), lambda: lines)
    return 0
