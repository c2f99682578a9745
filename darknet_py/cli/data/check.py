"""`data check`: every damage of a data set."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from darknet_py.cli.options import add_data, natural
from darknet_py.cli.progress import show_progress
from darknet_py.cli.terminal import print_result

if TYPE_CHECKING:
    from darknet_py.data.findings import Findings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the subverb's options."""
    add_data(parser, option=False)
    parser.add_argument(
        "--limit", type=natural, default=0, metavar="N", help="print N of each kind (default: all)"
    )
    parser.add_argument("--strict", action="store_true", help="warnings are errors")


def run(args: argparse.Namespace) -> int:
    """Print the findings; 1 where one is an error."""
    from darknet_py.data.check.run import check

    with show_progress("images") as progress:
        findings = check(args.data, progress=progress)
    facts = {
        "data": args.data,
        "images": findings.images,
        "boxes": findings.boxes,
        "kinds": dict(findings.counts()),
        "findings": [finding.to_json() for finding in findings.first(args.limit)],
    }
    print_result(args, lambda: facts, lambda: _lines(args, findings))
    return int(any(f.severity == "error" or args.strict for f in findings.all))


def _lines(args: argparse.Namespace, findings: Findings) -> Iterator[str]:
    from darknet_py.data.rules.registry import RULES

    yield from map(str, findings.first(args.limit))
    total = f"{args.data}: {findings.images:,} images, {findings.boxes:,} boxes"
    if not findings.all:
        yield f"{total}: no damage found"
        return
    yield f"{total}: {len(findings.all):,} damages of {len(findings.counts())} kinds"
    for code, number in findings.counts().items():
        severity, meaning = RULES[code].severity, RULES[code].summary
        more = f" ({args.limit} shown)" if args.limit and number > args.limit else ""
        yield f"{number:>7,}  {severity:<7}  {code:<22} {meaning}{more}"
