"""`conform`: test a layer against everything that layers promise."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from darknet_py.cli.layers import section_of
from darknet_py.cli.options import add_json, count, natural
from darknet_py.cli.terminal import print_json, wants_json
from darknet_py.layers.catalogue import CATALOGUE
from darknet_py.layers.plugins import load_plugins

if TYPE_CHECKING:
    from darknet_py.conform.run import CheckResult


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    parser.add_argument("layer", help="a file with layers (FILE.py), or a section by name")
    parser.add_argument("--cases", type=count, default=12, help="random cases of a check (default: 12)")
    parser.add_argument("--seed", type=natural, default=0, help="of the random cases (default: 0)")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Run every check on a file's layers, or on one section; 1 where one fails."""
    from darknet_py.conform.run import conform

    activations: list[str] = []
    if args.layer.endswith(".py"):
        *_, plugin = load_plugins([*args.plugin, Path(args.layer)])
        sections = sorted(plugin.sections & CATALOGUE.keys())
        activations = sorted(plugin.activations)
    else:
        sections = [section_of(args.layer)]
    found: list[CheckResult] = []
    runs = [conform(section, cases=args.cases, seed=args.seed) for section in sections]
    if activations:
        from darknet_py.conform.activation_checks import conform_activation

        runs += [conform_activation(name, seed=args.seed) for name in activations]
    for result in chain.from_iterable(runs):
        found.append(result)
        if not wants_json(args):
            print("\n".join(_lines(result)), flush=True)
    failed = [result for result in found if result.outcome == "FAIL"]
    if wants_json(args):
        print_json(args, [result.to_json() for result in found])
    else:
        tried = len([result for result in found if result.outcome != "skip"])
        names = ", ".join([*(f"[{section}]" for section in sections), *activations])
        print(f"{names}: {tried} checks, {len(failed) or 'none'} failed")
    return 1 if failed else 0


def _lines(result: CheckResult) -> Iterator[str]:
    text = result.description if result.outcome != "skip" else f"{result.description[:-1]}: {result.found}"
    yield from textwrap.wrap(
        f"{result.outcome:<4}  {result.check:<9} {text}", 110, subsequent_indent=" " * 16
    )
    if result.outcome == "FAIL":
        yield from _titled("expected", result.expected)
        yield from _titled("found", result.found)
        if case := result.case:
            yield from _titled("shown by", f"a map of {case.channels} x {case.height} x {case.width} and")
            yield textwrap.indent(case.ahead + case.own, " " * 16)


def _titled(title: str, text: str) -> list[str]:
    return textwrap.wrap(f"      {title:<9} {text}", 110, subsequent_indent=" " * 16)
