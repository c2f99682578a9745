"""`show`: layers, shapes, costs and receptive fields."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from darknet_py.cli.options import add_cfg, add_json, document_of
from darknet_py.cli.terminal import coloured, print_result
from darknet_py.graph.graph import Graph
from darknet_py.graph.summary import as_json, table
from darknet_py.lint.check import compile_checked, warnings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    add_cfg(parser)
    add_json(parser)
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the graph into a file")


def run(args: argparse.Namespace) -> int:
    """Print the table and the totals."""
    graph = compile_checked(document_of(args))
    if args.svg:
        from darknet_py.draw.svg import svg
        from darknet_py.files.atomic import publish_bytes

        publish_bytes(args.svg, svg(graph).encode())
    print_result(args, lambda: as_json(graph), lambda: _lines(args, graph))
    return 0


def _lines(args: argparse.Namespace, graph: Graph) -> Iterator[str]:
    yield from table(graph)
    found = warnings(graph)
    if args.set:
        yield from map(coloured, found)
    elif found:
        yield f"warnings   {len(found)}; `darknet-py lint {args.cfg}` prints them"
