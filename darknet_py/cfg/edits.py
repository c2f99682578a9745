"""Edits of values in the text of a cfg: `82.size=19`, `top.size=5`, `11.section=stochpool`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from darknet_py.cfg.diagnostics import Span, did_you_mean
from darknet_py.cfg.document import Document, Section, before_comment, parse
from darknet_py.errors import UsageError, quoted

WORD = r"[A-Za-z_][A-Za-z0-9_]*"
LAYER = re.compile(rf"[0-9]{{1,4}}|{WORD}", re.ASCII)
EDIT = re.compile(rf"(?P<layer>[0-9]{{1,4}}|{WORD})\.(?P<key>{WORD})=(?P<value>[^=\[\]#;\s]+)", re.ASCII)
BEGINS = re.compile(rf"@(?=(?:[0-9]{{1,4}}|{WORD})\.{WORD}=)", re.ASCII)
KIND = "section"  # the pseudo-key that changes what a section is
NAME = "name"  # the key by which references and edits may call a layer


@dataclass(frozen=True)
class Edit:
    """One value to set, of [net] (layer None) or of a layer by its number or name."""

    layer: int | str | None
    key: str
    value: str

    def __str__(self) -> str:
        return f"{'net' if self.layer is None else self.layer}.{self.key}={self.value}"

    def position(self, document: Document) -> int:
        """The section that is meant, 0 for [net].

        Raises:
            UsageError: when it does not exist.
        """
        return position(document, self.layer, asked=str(self))


def layer_of(text: str) -> int | str | None:
    """`net`, a number or a name.

    Raises:
        UsageError: when it is none of them.
    """
    if not LAYER.fullmatch(text):
        raise UsageError(f"{quoted(text)!s} is not a layer", hint="expected a number, a name, or net")
    return None if text == "net" else int(text) if text.isdigit() else text


def position(document: Document, layer: int | str | None, *, asked: str) -> int:
    """The section of a layer, 0 for [net].

    Args:
        asked: the request, for messages.

    Raises:
        UsageError: when it does not exist.
    """
    names = names_of(document)
    found = 0 if layer is None else layer + 1 if isinstance(layer, int) else names.get(layer, -2) + 1
    if 0 <= found < len(document.sections):
        return found
    if isinstance(layer, str):
        guess = did_you_mean(layer, names)
        hint = f"did you mean `{guess}`?" if guess else f"names are {', '.join(names) or 'none'}"
        raise UsageError(f"{asked}: no layer is called {layer}", where=document.path, hint=hint)
    last = len(document.sections) - 2
    missing = "[net]" if layer is None else f"layer {layer}"
    hint = f"layers are 0 to {last}" if last >= 0 else "there is no layer"
    raise UsageError(f"{asked}: the cfg has no {missing}", where=document.path, hint=hint)


def names_of(document: Document) -> dict[str, int]:
    """The index of each layer that has a name; of two with one name, the first."""
    found: dict[str, int] = {}
    for index, section in enumerate(document.sections[1:]):
        if entry := section.first(NAME):
            found.setdefault(entry.value, index)
    return found


def cut_variant(text: str) -> tuple[str, str]:
    """`CFG@EDIT,...` as the cfg's name and its edits.

    >>> cut_variant("cfg/yolov3-spp.cfg@82.size=19,84.layers=@a,8")
    ('cfg/yolov3-spp.cfg', '82.size=19,84.layers=@a,8')
    """
    begins = BEGINS.search(text)
    if begins:
        return text[: begins.start()], text[begins.end() :]
    name, _, rest = text.partition("@")
    return name, rest


def parse_edits(text: str) -> list[Edit]:
    """Read edits separated by commas; a piece without `=` continues the value before it.

    >>> [str(e) for e in parse_edits("11.sizes=5,9,13,net.width=608")]
    ['11.sizes=5,9,13', 'net.width=608']

    Raises:
        UsageError: when a piece is no edit.
    """
    joined: list[str] = []
    for piece in text.split(","):
        if "=" in piece or not joined:
            joined.append(piece)
        else:
            joined[-1] += f",{piece}"
    edits: list[Edit] = []
    for piece in map(str.strip, joined):
        match = EDIT.fullmatch(piece)
        if not match:
            hint = "expected LAYER.KEY=VALUE, as in 82.size=19, net.width=608 or 11.section=stochpool"
            raise UsageError(f"{quoted(piece)!s} is not an edit", hint=hint)
        edits.append(Edit(layer_of(match["layer"]), match["key"], match["value"]))
    return edits


def set_values(document: Document, edits: Iterable[Edit]) -> Document:
    """The document with the values set; comments and layout stay.

    Raises:
        UsageError: when a layer does not exist.
    """
    for edit in edits:
        document = set_value(document, edit.position(document), edit.key, edit.value)
    return document


def set_value(document: Document, position: int, key: str, value: str) -> Document:
    """Set one value in section number `position` (0 is [net]); the key is added when it is not there."""
    section = document.sections[position]
    lines = list(document.lines)
    if key == KIND:
        _put(lines, section.span, f"[{value}]")
    elif entry := section.first(key):
        span = entry.value_span
        written = lines[span.line - 1][span.column - 1 :][: span.length]
        _put(lines, replace(span, length=len(before_comment(written).rstrip())), value)  # keeps the comment
    else:
        at = last_line(section)
        end = line_end(lines)
        if not lines[at - 1].endswith("\n"):
            lines[at - 1] += end
        lines.insert(at, f"{key}={value}{end}")
    return parse("".join(lines), path=document.path)


def without_keys(document: Document, position: int, keys: Iterable[str]) -> Document:
    """The document without some keys of a section; their lines go, with the comments behind them."""
    gone = set(keys)
    lines = list(document.lines)
    for entry in document.sections[position].entries:
        if entry.key in gone:
            lines[entry.span.line - 1] = ""
    return parse("".join(lines), path=document.path)


def line_end(lines: Iterable[str]) -> str:
    """The line end of this text."""
    return "\r\n" if next(iter(lines), "").endswith("\r\n") else "\n"


def last_line(section: Section) -> int:
    """The number of the last line of a section with a header or a key."""
    return max([section.span.line, *(entry.span.line for entry in section.entries)])


def _put(lines: list[str], span: Span, text: str) -> None:
    """Replace the text at a span."""
    line, start = lines[span.line - 1], span.column - 1
    lines[span.line - 1] = line[:start] + text + line[start + span.length :]


def put_all(document: Document, texts: Iterable[tuple[Span, str]]) -> Document:
    """The document with the text at some spans replaced; they must not overlap."""
    lines = list(document.lines)
    for span, text in sorted(texts, key=lambda each: (each[0].line, -each[0].column)):
        _put(lines, span, text)
    return parse("".join(lines), path=document.path)
