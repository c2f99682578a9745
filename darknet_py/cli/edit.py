"""`edit`: a cfg changed as a network, and written as text."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from darknet_py.cfg.diagnostics import CfgError
from darknet_py.cfg.document import Document, must_parse, read
from darknet_py.cfg.edits import layer_of, parse_edits
from darknet_py.cfg.sections import new_section
from darknet_py.cfg.shipped import find_cfg
from darknet_py.cli.diff import told
from darknet_py.cli.edit_options import ALL
from darknet_py.edit.diff import GraphDiff
from darknet_py.edit.editing import Changes, LayerRef, apply_edits, unread_inserts
from darknet_py.errors import UsageError, quoted
from darknet_py.files.atomic import publish_bytes
from darknet_py.graph.graph import Graph
from darknet_py.lint.check import compile_checked


def edit(args: argparse.Namespace) -> int:
    """Write the edited cfg; what became of the network goes to standard error."""
    path = find_cfg(args.cfg)
    _must_be_free(args.output, path, args.force)
    changes = changes_of(args)
    before = must_parse(read(path))
    done = apply_edits(before, changes)
    after = replace(done.document, path=f"{path} (edited)")
    graph = _compiled(after)
    data = str(after).encode("utf-8", "surrogateescape")
    if args.output:
        publish_bytes(args.output, data)
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    for line in _summary(before, graph):
        print(line, file=sys.stderr)
    for at in unread_inserts(done, graph):
        print(f"warning: nobody reads the new layer {at} [{graph[at].layer.section}]", file=sys.stderr)
    return 0


def _compiled(document: Document) -> Graph:
    """The edited network; its errors come with a word of what they are errors of."""
    try:
        return compile_checked(document)
    except CfgError:
        print("refused: the edited cfg would have errors; nothing is written", file=sys.stderr)
        raise


def changes_of(args: argparse.Namespace) -> Changes:
    """What the command line asks for.

    Raises:
        UsageError: when it asks for nothing, or in words that mean nothing.
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


def _must_be_free(output: Path | None, source: Path, force: bool) -> None:
    """Refuse to write over a file unless told to."""
    if output is not None and output.exists() and not force:
        same = output.samefile(source)
        message = "is the cfg that is edited" if same else "is there already"
        raise UsageError(message, where=output, hint="name another file with -o, or add --force")


def _summary(before: Document, after: Graph) -> list[str]:
    """How the network changed; nothing where the cfg as given was none."""
    try:
        return list(told(GraphDiff(compile_checked(before), after)))
    except CfgError:
        return []
