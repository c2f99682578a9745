"""The verb that tries a layer against everything that layers promise."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator
from pathlib import Path

from darknet_py.cli.layers import known
from darknet_py.cli.terminal import emit
from darknet_py.conform.run import CheckResult
from darknet_py.conform.run import conform as run_checks
from darknet_py.layers.catalogue import CATALOGUE
from darknet_py.layers.plugins import load_plugins


def conform(args: argparse.Namespace) -> int:
    """Every check of a file's layers, or of one section."""
    if args.layer.endswith(".py"):
        *_, plugin = load_plugins([*args.plugin, Path(args.layer)])
        sections = sorted(plugin.sections & CATALOGUE.keys())
    else:
        sections = [known(args.layer)]
    found: list[CheckResult] = []
    for section in sections:
        for result in run_checks(section, cases=args.cases, seed=args.seed):
            found.append(result)
            if not (args.json or args.output):
                print("\n".join(_lines(result)), flush=True)
    failed = [result for result in found if result.outcome == "FAIL"]
    if args.json or args.output:
        emit(args, [result.to_json() for result in found])
    else:
        tried = len([result for result in found if result.outcome != "skip"])
        names = ", ".join(f"[{section}]" for section in sections)
        print(f"{names}: {tried} checks, {len(failed) or 'none'} failed")
    return 1 if failed else 0


def _lines(result: CheckResult) -> Iterator[str]:
    said = result.description if result.outcome != "skip" else f"{result.description[:-1]}: {result.found}"
    yield from textwrap.wrap(
        f"{result.outcome:<4}  {result.check:<9} {said}", 110, subsequent_indent=" " * 16
    )
    if result.outcome == "FAIL":
        yield from _told("expected", result.expected)
        yield from _told("found", result.found)
        if case := result.case:
            yield from _told("shown by", f"a map of {case.channels} x {case.height} x {case.width} and")
            yield textwrap.indent(case.ahead + case.own, " " * 16)


def _told(title: str, text: str, *, start: str = "    ") -> list[str]:
    return textwrap.wrap(f"{start}  {title:<9} {text}", 110, subsequent_indent=" " * 16)
