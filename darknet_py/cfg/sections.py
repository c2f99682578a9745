"""Sections inserted, removed and replaced; every other line stays as it is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from darknet_py.cfg.document import WHITE, Document, parse
from darknet_py.cfg.edits import WORD, last_line, line_end
from darknet_py.errors import UsageError, quoted


@dataclass(frozen=True, eq=False)
class New:
    """A section to insert: its name and its entries. Two with the same text are not equal."""

    section: str
    entries: tuple[tuple[str, str], ...] = ()

    def lines(self, end: str) -> list[str]:
        """The lines of its text."""
        return [f"[{self.section}]{end}", *(f"{key}={value}{end}" for key, value in self.entries)]


def new_section(text: str) -> New:
    """Parse a section from a command line; a word without `=` continues the value before it.

    >>> new_section("route layers=-1, 8").lines("")
    ['[route]', 'layers=-1,8']

    Raises:
        UsageError: when it is none.
    """
    name, *words = text.split() or [""]
    joined: list[str] = []
    for word in words:
        if "=" in word or not joined:
            joined.append(word)
        else:
            joined[-1] += word
    entries = tuple((key, value) for key, _, value in (word.partition("=") for word in joined))
    bad = [word for word, (key, value) in zip(joined, entries, strict=True) if not (key and value)]
    bare = name[1:-1] if name.startswith("[") and name.endswith("]") else name
    if bad or not re.fullmatch(WORD, bare, re.ASCII) or not re.fullmatch(r"[^#;\[\]]*", "".join(joined)):
        hint = "expected SECTION KEY=VALUE ..., as in 'route layers=-1,8'"
        raise UsageError(f"{quoted(text)!s} is not a section", hint=hint)
    return New(bare, entries)


def arranged(
    document: Document, *, instead: Mapping[int, Sequence[New]], after: Mapping[int, Sequence[New]]
) -> Document:
    """The document with other sections.

    Args:
        instead: by position (0 is [net]), the sections that replace a section; none remove it.
        after: by position, the sections to insert after a section, or where it was.

    Returns: the document; comments between sections stay where they are.
    """
    lines, sections, end = document.lines, document.sections, line_end(document.lines)
    written = list(lines[: sections[0].span.line - 1])
    for at, section in enumerate(sections):
        start, stop = section.span.line - 1, last_line(section)
        last = at + 1 == len(sections)
        gap = lines[stop : None if last else sections[at + 1].span.line - 1]
        spaced = _blank(gap[0]) if gap else last and start > 0 and _blank(lines[start - 1])
        bodies = [] if at in instead else [list(lines[start:stop])]
        bodies += [new.lines(end) for new in (*instead.get(at, ()), *after.get(at, ()))]
        if not bodies and written and _blank(written[-1]) and (_blank(gap[0]) if gap else last):
            written.pop()
        for number, body in enumerate(bodies):
            if written and not written[-1].endswith("\n"):
                written[-1] += end
            written += [end] * (spaced and number > 0) + body
        written += gap
    return parse("".join(written), path=document.path)


def _blank(line: str) -> bool:
    return not line.strip(WHITE)
