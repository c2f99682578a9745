"""`lint`: every error and every warning of cfgs."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from darknet_py import __version__
from darknet_py.cfg.diagnostics import Diagnostic
from darknet_py.cli.options import VARIANT_HELP, add_json
from darknet_py.cli.terminal import coloured, print_json, wants_json
from darknet_py.edit.variant import open_variant
from darknet_py.errors import DarknetPyError
from darknet_py.lint.api import lint
from darknet_py.lint.registry import parse_codes, without

FORMATS = ("text", "json", "sarif")


class _ListCodes(argparse.Action):
    """`--codes`: an option that prints and exits, as --help does."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from darknet_py.lint.registry import listing

        print("\n".join(listing()))
        parser.exit()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    parser.add_argument("cfg", nargs="+", help=VARIANT_HELP)
    parser.add_argument("--format", choices=FORMATS, default="text", help="of the output (default: text)")
    parser.add_argument("--strict", action="store_true", help="warnings are errors, hints are not")
    parser.add_argument("--off", action="append", metavar="CODE", help="leave such warnings out; CODE,...")
    parser.add_argument("--codes", action=_ListCodes, nargs=0, help="list the codes, and exit")
    parser.add_argument("--lenient", action="store_true", help="a misspelt key is ignored, as Darknet does")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print the diagnostics of all cfgs; 1 where there is an error."""
    off = parse_codes(args.off or (), allow_unknown=bool(args.plugin))
    found: list[Diagnostic] = []
    unreadable: list[DarknetPyError] = []
    for name in args.cfg:
        try:
            found += lint(open_variant(name), lenient=args.lenient)
        except DarknetPyError as error:
            unreadable.append(error)
    found = without(found, off)
    if args.format == "sarif":
        from darknet_py.lint.sarif import as_sarif

        print_json(args, as_sarif(found, version=__version__))
    elif args.format == "json" or wants_json(args):
        print_json(args, [d.to_json() for d in found])
    elif found or not unreadable:
        good = f"{', '.join(args.cfg)}: no errors, no warnings"
        print("\n".join(map(coloured, found)) or good)
    for other in unreadable[:-1]:
        print(other, file=sys.stderr)
    if unreadable:
        raise unreadable[-1]
    errors = [d for d in found if d.severity == "error" or (args.strict and d.severity == "warning")]
    return 1 if errors else 0
