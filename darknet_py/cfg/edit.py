"""Edits of a cfg's text that leave the rest as it is: `82.size=19`, `11.section=stochpool`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from darknet_py.cfg.diagnostics import Span
from darknet_py.cfg.document import COMMENT, Document, Section, parse
from darknet_py.errors import UsageError, shown

EDIT = re.compile(
    r"(?P<layer>net|[0-9]{1,4})\.(?P<key>[A-Za-z_][A-Za-z0-9_]*)=(?P<value>[^=\[\]#;\s]+)", re.ASCII
)
KIND = "section"  # the pseudo-key that changes what a section is


@dataclass(frozen=True)
class Edit:
    """One value to set: of [net] (layer None) or of a layer, as `show` numbers it."""

    layer: int | None
    key: str
    value: str

    @property
    def position(self) -> int:
        """The section that is meant, 0 for [net]."""
        return 0 if self.layer is None else self.layer + 1

    def __str__(self) -> str:
        return f"{'net' if self.layer is None else self.layer}.{self.key}={self.value}"


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
    return [_edit(piece.strip()) for piece in joined]


def _edit(piece: str) -> Edit:
    match = EDIT.fullmatch(piece)
    if not match:
        hint = "expected LAYER.KEY=VALUE, as in 82.size=19, net.width=608 or 11.section=stochpool"
        raise UsageError(f"{shown(piece)!s} is not an edit", hint=hint)
    layer = match["layer"]
    return Edit(None if layer == "net" else int(layer), match["key"], match["value"])


def apply_edits(document: Document, edits: Iterable[Edit]) -> Document:
    """The document with the values set; comments and layout stay.

    Raises:
        UsageError: when a layer does not exist.
    """
    for edit in edits:
        if edit.position >= len(document.sections):
            last = len(document.sections) - 2
            missing = "[net]" if edit.layer is None else f"layer {edit.layer}"
            hint = f"layers are 0 to {last}" if last >= 0 else "there is no layer"
            raise UsageError(f"{edit}: the cfg has no {missing}", where=document.path, hint=hint)
        document = set_value(document, edit.position, edit.key, edit.value)
    return document


def set_value(document: Document, position: int, key: str, value: str) -> Document:
    """Set one value in section number `position` (0 is [net]); the key is added when it is not there."""
    section = document.sections[position]
    lines = list(document.lines)
    if key == KIND:
        _put(lines, section.span, f"[{value}]")
    elif entry := section.first(key):
        _put(lines, _bare(lines, entry.value_span), value)
    else:
        at = _last_line(section)
        end = "\r\n" if lines[0].endswith("\r\n") else "\n"
        if not lines[at - 1].endswith("\n"):
            lines[at - 1] += end
        lines.insert(at, f"{key}={value}{end}")
    return parse("".join(lines), path=document.path)


def _put(lines: list[str], span: Span, text: str) -> None:
    """Replace what stands at a span."""
    line, start = lines[span.line - 1], span.column - 1
    lines[span.line - 1] = line[:start] + text + line[start + span.length :]


def _bare(lines: list[str], span: Span) -> Span:
    """A value's span without the comment behind it, which stays."""
    start = span.column - 1
    text = lines[span.line - 1][start : start + span.length]
    bare = re.split(f"[{COMMENT}]", text)[0].rstrip()
    return replace(span, length=len(bare))


def _last_line(section: Section) -> int:
    """The number of the section's last line that says something."""
    return max([section.span.line, *(entry.span.line for entry in section.entries)])
