"""`edit`: a cfg changed as a network, and written as text."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from darknet_py.cfg.diagnostics import CfgError
from darknet_py.cfg.document import Document, must_parse, read
from darknet_py.cfg.edits import layer_of, parse_edits
from darknet_py.cfg.sections import new_section
from darknet_py.cfg.shipped import find_cfg
from darknet_py.cli.diff import diff_json, diff_lines
from darknet_py.cli.options import CFG_HELP
from darknet_py.edit.diff import GraphDiff
from darknet_py.edit.editing import Changes, LayerRef, apply_edits, unread_inserts
from darknet_py.errors import UsageError, quoted
from darknet_py.files.atomic import publish_bytes
from darknet_py.graph.graph import Graph
from darknet_py.lint.check import compile_checked

ALL = "all"
PHRASES = (
    ("--expand", "write layers of ours, such as pyramids, in Darknet's sections"),
    ("--fold", "read such sections back as one layer"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    parser.add_argument("cfg", help=CFG_HELP)
    parser.add_argument("--set", action="append", metavar="EDIT", help="LAYER.KEY=VALUE, as in 82.size=19")
    parser.add_argument(
        "--insert-after",
        action="append",
        nargs=2,
        default=[],
        metavar=("LAYER", "SECTION"),
        help="a new layer after this one (or net), as in 11 'route layers=-1,8'",
    )
    parser.add_argument(
        "--replace",
        action="append",
        default=[],
        metavar="LAYER=SECTION",
        help="another section with the keys that it shares, as in 11=dropout or 11='dropout probability=.3'",
    )
    parser.add_argument("--delete", action="append", default=[], metavar="LAYER", help="remove a layer")
    for option, what in PHRASES:
        parser.add_argument(
            option, action="append", nargs="?", const=ALL, metavar="LAYER", help=f"{what} (default: all)"
        )
    parser.add_argument("--plain", action="store_true", help="write numbers where layers have names")
    parser.add_argument("-o", dest="output", type=Path, metavar="NEW", help="the new cfg (default: print it)")
    parser.add_argument("--force", action="store_true", help="overwrite an existing file")
    parser.add_argument("--json", action="store_true", help="print how the network changed as JSON; needs -o")


def run(args: argparse.Namespace) -> int:
    """Write the edited cfg; how the network changed goes to standard error."""
    if args.json and not args.output:
        raise UsageError("both the new cfg and JSON would be printed", hint="add -o NEW")
    path = find_cfg(args.cfg)
    if args.output is not None and args.output.exists() and not args.force:
        message = "is the cfg that is edited" if args.output.samefile(path) else "exists already"
        raise UsageError(message, where=args.output, hint="name another file with -o, or add --force")
    changes = changes_of(args)
    before = must_parse(read(path))
    done = apply_edits(before, changes)
    graph = _compiled(replace(done.document, path=f"{path} (edited)"))
    data = str(done.document).encode("utf-8", "surrogateescape")
    if args.output:
        publish_bytes(args.output, data)
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    _print_difference(args, before, graph)
    for at in unread_inserts(done, graph):
        print(f"warning: no layer reads the new layer {at} [{graph[at].layer.section}]", file=sys.stderr)
    return 0


def _print_difference(args: argparse.Namespace, before: Document, after: Graph) -> None:
    """How the network changed; nothing where the cfg as given had errors."""
    try:
        found = GraphDiff(compile_checked(before), after)
    except CfgError:
        return
    if args.json:
        print(json.dumps(diff_json(found), indent=1, allow_nan=False))
    else:
        print("\n".join(diff_lines(found)), file=sys.stderr)


def _compiled(document: Document) -> Graph:
    """The edited network; before its errors a line that they are of the edited cfg."""
    try:
        return compile_checked(document)
    except CfgError:
        print("refused: the edited cfg would have errors; nothing is written", file=sys.stderr)
        raise


def changes_of(args: argparse.Namespace) -> Changes:
    """The changes that the command line asks for.

    Raises:
        UsageError: when it asks for none, or for one that cannot be understood.
    """
    replaces = []
    for text in args.replace:
        layer, equals, section = text.partition("=")
        if not equals:
            hint = "expected LAYER=SECTION, as in 11=dropout"
            raise UsageError(f"{quoted(text)!s} is no replacement", hint=hint)
        replaces.append((layer_of(layer), new_section(section)))
    changes = Changes(
        sets=tuple(one for text in args.set or () for one in parse_edits(text)),
        inserts=tuple((layer_of(layer), new_section(text)) for layer, text in args.insert_after),
        replaces=tuple(replaces),
        deletes=tuple(layer_of(one) for text in args.delete for one in text.split(",")),
        expands=_which(args.expand),
        folds=_which(args.fold),
        plain=args.plain,
    )
    if changes == Changes():
        raise UsageError("there is nothing to do", hint="see `darknet-py edit --help`")
    return changes


def _which(asked: Sequence[str] | None) -> tuple[LayerRef, ...] | None:
    if not asked:
        return ()
    return None if ALL in asked else tuple(layer_of(one) for one in asked)
