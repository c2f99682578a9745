"""The verb that tries a layer against everything that layers promise."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator
from pathlib import Path

from darknet_py.cli.layers import known
from darknet_py.cli.terminal import emit
from darknet_py.conform.run import Verdict
from darknet_py.conform.run import conform as verdicts_of
from darknet_py.layers.base import CATALOGUE
from darknet_py.layers.plugins import load_plugins


def conform(args: argparse.Namespace) -> int:
    """Every check of a file's layers, or of one section."""
    if args.layer.endswith(".py"):
        *_, plugin = load_plugins([*args.plugin, Path(args.layer)])
        sections = sorted(plugin.sections & CATALOGUE.keys())
    else:
        sections = [known(args.layer)]
    found: list[Verdict] = []
    for section in sections:
        for verdict in verdicts_of(section, cases=args.cases, seed=args.seed):
            found.append(verdict)
            if not (args.json or args.output):
                print("\n".join(_lines(verdict)), flush=True)
    failed = [verdict for verdict in found if verdict.outcome == "FAIL"]
    if args.json or args.output:
        emit(args, [verdict.to_json() for verdict in found])
    else:
        tried = len([verdict for verdict in found if verdict.outcome != "skip"])
        names = ", ".join(f"[{section}]" for section in sections)
        print(f"{names}: {tried} checks, {len(failed) or 'none'} failed")
    return 1 if failed else 0


def _lines(verdict: Verdict) -> Iterator[str]:
    said = verdict.promise if verdict.outcome != "skip" else f"{verdict.promise[:-1]}: {verdict.found}"
    yield from textwrap.wrap(
        f"{verdict.outcome:<4}  {verdict.check:<9} {said}", 110, subsequent_indent=" " * 16
    )
    if verdict.outcome == "FAIL":
        yield from _told("expected", verdict.expected)
        yield from _told("found", verdict.found)
        if case := verdict.case:
            yield from _told("shown by", f"a map of {case.channels} x {case.height} x {case.width} and")
            yield textwrap.indent(case.ahead + case.own, " " * 16)


def _told(title: str, text: str, *, start: str = "    ") -> list[str]:
    return textwrap.wrap(f"{start}  {title:<9} {text}", 110, subsequent_indent=" " * 16)
