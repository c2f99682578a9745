"""Verbs that read cfgs alone; they answer without torch."""

from __future__ import annotations

import argparse
import sys

from darknet_py.cfg.diagnostics import Diagnostic
from darknet_py.cfg.document import Document, read
from darknet_py.cfg.edits import Edit, parse_edits
from darknet_py.cfg.shipped import find_cfg
from darknet_py.cli.terminal import coloured, emit
from darknet_py.edit.overrides import apply_overrides
from darknet_py.errors import DarknetPyError
from darknet_py.files.atomic import publish_bytes
from darknet_py.graph.summary import as_json, table
from darknet_py.lint.check import compile_checked, diagnose, warnings
from darknet_py.lint.registry import parse_codes, without


def lint(args: argparse.Namespace) -> int:
    """Every error and every warning of some cfgs."""
    off = parse_codes(args.off or (), allow_unknown=bool(args.plugin))
    found: list[Diagnostic] = []
    unread: list[DarknetPyError] = []
    for name in args.cfg:
        try:
            found += diagnose(read(find_cfg(name)), lenient=args.lenient)
        except DarknetPyError as error:
            unread.append(error)
    found = without(found, off)
    if args.format == "sarif":
        from darknet_py.lint.sarif import as_sarif

        emit(args, as_sarif(found, version=args.version))
    elif args.format == "json" or args.output:
        emit(args, [d.to_json() for d in found])
    elif found or not unread:
        print(
            "\n".join(coloured(d) for d in found)
            if found
            else f"{', '.join(args.cfg)}: no errors, no warnings"
        )
    for error in unread[:-1]:
        print(error, file=sys.stderr)
    if unread:
        raise unread[-1]
    errors = [d for d in found if d.severity == "error" or (args.strict and d.severity == "warning")]
    return 1 if errors else 0


def show(args: argparse.Namespace) -> int:
    """The layers of a cfg, their shapes, costs and reach."""
    graph = compile_checked(document_of(args))
    if args.svg:
        from darknet_py.draw.svg import svg

        publish_bytes(args.svg, svg(graph).encode())
    if args.json or args.output:
        emit(args, as_json(graph))
    else:
        print("\n".join(table(graph)))
        found = warnings(graph)
        if args.set:
            print("\n".join(coloured(warning) for warning in found))
        elif found:
            print(f"warnings   {len(found)}; `darknet-py lint {args.cfg}` says which")
    return 0


def document_of(args: argparse.Namespace) -> Document:
    """The cfg named on the command line with `--set` carried out."""
    return apply_overrides(
        read(find_cfg(args.cfg)), edits_of(args)
    )  # `compile` tells its errors, with the others


def edits_of(args: argparse.Namespace) -> list[Edit]:
    """What `--set` asks for."""
    return [edit for text in args.set or () for edit in parse_edits(text)]
