"""`layers`: the catalogue of sections, and the card of one; torch is not imported."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator

from darknet_py.cfg.synonyms import meant_section
from darknet_py.cli.options import add_json
from darknet_py.cli.terminal import print_result
from darknet_py.errors import UsageError, quoted
from darknet_py.layers.base import layer_class
from darknet_py.layers.cards import Card, KeyCard, card, cards
from darknet_py.layers.catalogue import ALIASES, CATALOGUE, other_names

WIDTH = 110
EXAMPLE = "maxpool"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    parser.add_argument("name", nargs="?", help=f"a section, such as {EXAMPLE}")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print every section in a line, or one section's card."""
    if args.name is None:
        found = cards()
        wide = max(len(one.section) for one in found)
        print_result(
            args,
            lambda: [{"section": one.section, "summary": one.summary} for one in found],
            lambda: [f"{one.section:<{wide}}  {one.summary}" for one in found],
        )
    else:
        one = card(section_of(args.name))
        print_result(args, one.to_json, lambda: _lines(one))
    return 0


def section_of(name: str) -> str:
    """The section of a name, which may be an alias or stand in brackets.

    Raises:
        UsageError: when there is none of that name.
    """
    bare = name.strip("[] ")
    if layer_class(bare):
        return bare
    meant = meant_section(bare, (*CATALOGUE, *ALIASES), other_names())
    known = f"known are {', '.join(sorted(CATALOGUE))}"
    hint = f"did you mean `{meant.word}`?" if meant.word else meant.reason or known
    raise UsageError(f"[{quoted(bare)}] is not known", hint=hint)


def _lines(one: Card) -> Iterator[str]:
    also = f" (also {', '.join(f'[{alias}]' for alias in one.aliases)})" if one.aliases else ""
    yield f"[{one.section}]{also}"
    yield from textwrap.wrap(one.summary, WIDTH)
    for paragraph in one.text:
        yield ""
        yield from textwrap.wrap(paragraph, WIDTH)
    yield from ("", textwrap.indent(one.example, "    "), "")
    yield from _table([key for key in one.keys if key.owner != "layer"])
    shared = ", ".join(key.name for key in one.keys if key.owner == "layer")
    if shared:
        yield from _titled("shared", f"keys of every section: {shared}")
    yield from _titled("weights", one.weights or "none: it has no array in a .weights file")
    for relative in one.relatives:
        yield from _titled("law", relative)
    for source in one.sources:
        yield from _titled("source", source)


def _table(keys: list[KeyCard]) -> Iterator[str]:
    if not keys:
        return
    rows = [(k.name, k.type, k.default or "none", k.unit) for k in keys]
    head = ("key", "type", "default", "unit")
    wide = [min(24, max(len(row[i]) for row in (head, *rows))) for i in range(4)]
    start = "  ".join(f"{word:<{w}}" for word, w in zip(head, wide, strict=True)).rstrip()
    yield f"{start}  meaning"
    indent = " " * (sum(wide) + 8)
    for row, key in zip(rows, keys, strict=True):
        words = "  ".join(f"{cell:<{w}}" for cell, w in zip(row, wide, strict=True))
        parts = [key.doc]
        if key.range:
            parts.append(f"({key.range})")
        if key.limit:
            parts.append(f"- {key.limit}")
        yield from textwrap.wrap(f"{words}  {' '.join(parts)}", WIDTH, subsequent_indent=indent)
    yield ""


def _titled(title: str, text: str) -> list[str]:
    return textwrap.wrap(f"{title:<9}{text}", WIDTH, subsequent_indent=" " * 9)
