"""Edits of a cfg's text that leave the rest as it is: `82.size=19`, `11.section=stochpool`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from darknet_py.cfg.document import Document, Section, parse
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
        position = 0 if edit.layer is None else edit.layer + 1
        if position >= len(document.sections):
            last = len(document.sections) - 2
            raise UsageError(
                f"{edit}: the cfg has no layer {edit.layer}",
                where=document.path,
                hint=f"layers are 0 to {last}",
            )
        document = set_value(document, position, edit.key, edit.value)
    return document


def set_value(document: Document, position: int, key: str, value: str) -> Document:
    """Set one value in section number `position` (0 is [net]); the key is added when it is not there."""
    section = document.sections[position]
    lines = list(document.lines)
    if key == KIND:
        at = section.span.line - 1
        lines[at] = lines[at].replace(f"[{section.name}]", f"[{value}]", 1)
    elif entry := section.first(key):
        at, span = entry.span.line - 1, entry.value_span
        lines[at] = lines[at][: span.column - 1] + value + lines[at][span.column - 1 + span.length :]
    else:
        at = _last_line(section)
        end = "\r\n" if lines[at - 1].endswith("\r\n") else "\n"
        if not lines[at - 1].endswith("\n"):
            lines[at - 1] += end
        lines.insert(at, f"{key}={value}{end}")
    return parse("".join(lines), path=document.path)


def _last_line(section: Section) -> int:
    """The number of the section's last line that says something."""
    return max([section.span.line, *(entry.span.line for entry in section.entries)])
