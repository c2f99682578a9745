"""A cfg file as text: sections, entries, and the line and column of each.

Lossless: `str(parse(text)) == text`. The reading rules are Darknet's (AlexeyAB, `read_cfg` and
`read_data_cfg`): all white space inside a line is dropped, a line is a comment only if its first character is
`#` or `;`, an entry is split at its first `=`, a section's name is the whole line.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass, field, replace
from pathlib import Path

from darknet_py.cfg.diagnostics import CfgError, Complaint, Diagnostic, Span
from darknet_py.errors import DarknetPyError, quoted

MOST_BYTES = 1 << 20
MOST_LINE = 4096
MOST_SECTIONS = 2048
MOST_ENTRIES = 256
COMMENT = "#;"
WHITE = " \t\r\n"  # what Darknet drops from a line; other white space is a character like any
PACK = str.maketrans("", "", WHITE)
BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"


@dataclass(frozen=True)
class Entry:
    """One `key=value` line; `value` as Darknet reads it, without white space."""

    key: str
    value: str
    span: Span
    value_span: Span


@dataclass(frozen=True)
class Section:
    """A `[name]` and the entries below it.

    `invalid_keys` are the words before the `=` of its lines that are errors of the document: that such a key
    is missing, or has its default, need not be reported again.
    """

    name: str
    entries: tuple[Entry, ...]
    span: Span
    invalid_keys: tuple[str, ...] = ()

    def first(self, key: str) -> Entry | None:
        """The entry Darknet would use: the first of equal keys."""
        return next((e for e in self.entries if e.key == key), None)

    def span_of(self, key: str) -> Span:
        """Where the value of a key stands; the section's header where the text has no such key."""
        entry = self.first(key)
        return entry.value_span if entry else self.span


@dataclass(frozen=True)
class Document:
    """The complete text of a cfg, with what was found in it.

    `errors` are the lines that are neither comment, section nor entry.
    """

    path: str
    lines: tuple[str, ...]
    sections: tuple[Section, ...]
    errors: tuple[Diagnostic, ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        return "".join(self.lines)

    def source(self, line: int) -> str:
        """Line number `line`, from 1, without its end."""
        return self.lines[line - 1].rstrip("\r\n") if 0 < line <= len(self.lines) else ""

    def locate(self, complaint: Complaint, span: Span) -> Diagnostic:
        """The diagnostic of a complaint at a place of this text."""
        return Diagnostic(
            complaint.severity,
            complaint.code,
            complaint.message,
            self.path,
            span,
            complaint.reason,
            complaint.suggestion,
            self.source(span.line),
        )


def read(path: str | Path) -> Document:
    """Read and parse a file.

    Raises:
        DarknetPyError: when it is no regular file, or cannot be read.
        CfgError: when it is too large or holds a NUL byte.
    """
    file = Path(path)
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            raise DarknetPyError("is not a regular file; expected a cfg", where=path)
        with file.open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise DarknetPyError("no such file", where=path, hint="see `darknet-py show --help`") from None
    except (OSError, ValueError) as error:
        raise DarknetPyError(f"cannot be read: {error}", where=path) from None
    if len(data) > MOST_BYTES:
        raise DarknetPyError(f"is larger than {MOST_BYTES:,} bytes, so it is not a cfg", where=path)
    if b"\0" in data:
        raise DarknetPyError(f"has a NUL byte at offset {data.index(0)}, so it is not text", where=path)
    return parse(data.decode("utf-8", errors="surrogateescape"), path=str(path))


def parse(text: str, *, path: str = "<cfg>") -> Document:
    """Parse the sections and entries of a text; other lines become errors of the document."""
    pieces = text.split("\n")  # at line feeds only, as `fgets` does
    lines = (*(piece + "\n" for piece in pieces[:-1]), *filter(None, pieces[-1:]))
    reader = _LineReader(path)
    for number, line in enumerate(lines, start=1):
        reader.take(number, line)
        if reader.full:
            break
    if len(reader.errors) > 1 and not reader.sections:
        message, reason = "no line of the text is a section, so it is no cfg", "a cfg begins with [net]"
        reader.errors = [replace(reader.errors[0], code="no-section", message=message, reason=reason)]
    sections = tuple(
        replace(section, entries=tuple(entries), invalid_keys=tuple(invalid))
        for section, entries, invalid in zip(reader.sections, reader.entries, reader.invalid, strict=True)
    )
    return Document(path, lines, sections, tuple(reader.errors))


def before_comment(value: str) -> str:
    """A value up to the first `#` or `;`."""
    return value.partition("#")[0].partition(";")[0]


def must_parse(document: Document) -> Document:
    """The document itself.

    Raises:
        CfgError: with all errors, when a line could not be read.
    """
    if document.errors:
        raise CfgError(document.errors)
    return document


class _LineReader:
    """The state of one pass over the lines."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.sections: list[Section] = []
        self.entries: list[list[Entry]] = []
        self.invalid: list[list[str]] = []
        self.errors: list[Diagnostic] = []
        self.full = False

    def take(self, number: int, line: str) -> None:
        body = line.rstrip("\r\n")
        if number == 1 and body.startswith(BOM):
            body = " " + body[1:]
        packed = body.translate(PACK)
        if len(body) <= MOST_LINE and (not packed or packed[0] in COMMENT):
            return
        start = len(body) - len(body.lstrip(WHITE))
        span = Span(number, start + 1, max(1, len(body.strip(WHITE))))
        if len(body) > MOST_LINE:
            message = f"a line of {len(body):,} characters; at most {MOST_LINE:,} are read"
            self.error("long-line", message, span, key=packed[:MOST_LINE])
        elif packed[0] == "[":
            self.header(packed, span, body)
        elif not before_comment(packed).isascii():
            message = f"{quoted(packed, limit=40)} has characters that are not ASCII"
            self.error("not-ascii", message, span, body, key=packed)
        else:
            self.entry(packed, body, span)

    def header(self, packed: str, span: Span, body: str) -> None:
        name = packed[1:].partition("]")[0]
        if len(self.sections) == MOST_SECTIONS:
            self.stop(f"more than {MOST_SECTIONS:,} sections", span, body)
            return
        if packed != f"[{name}]" or not name or "[" in name:
            message = f"{quoted(packed)} is not a section; expected [name] alone on its line"
            self.error("bad-section", message, span, body)
        elif not name.isascii():
            message = f"{quoted(packed, limit=40)} has characters that are not ASCII"
            self.error("not-ascii", message, span, body)
        self.sections.append(Section(name, (), span))
        self.entries.append([])
        self.invalid.append([])

    def entry(self, packed: str, body: str, span: Span) -> None:
        key, equals, value = packed.partition("=")
        if not equals or not key:
            reason = "expected `key=value`, `[section]`, or `# comment`"
            self.error("no-key", f"{quoted(packed)} is not `key=value`", span, body, reason, key=key)
        elif not value:
            reason = "Darknet drops such a line and uses the default"
            self.error("no-value", f"{quoted(key)} has no value", span, body, reason, key=key)
        elif not self.sections:
            if not any(d.code == "no-section" for d in self.errors):
                message = f"{quoted(packed)} is before the first section"
                self.error("no-section", message, span, body, "a cfg begins with [net]")
        elif len(self.entries[-1]) == MOST_ENTRIES:
            self.stop(f"more than {MOST_ENTRIES} keys in one section", span, body)
        else:
            written, _, after = body.partition("=")
            key_span = Span(span.line, span.column, len(written.strip(WHITE)))
            column = len(written) + 2 + len(after) - len(after.lstrip(WHITE))
            value_span = Span(span.line, column, len(after.strip(WHITE)))
            self.entries[-1].append(Entry(key, value, key_span, value_span))

    def error(
        self, code: str, message: str, span: Span, body: str = "", reason: str = "", *, key: str = ""
    ) -> None:
        self.errors.append(Diagnostic("error", code, message, self.path, span, reason, source=body))
        self.full = len(self.errors) >= MOST_ENTRIES
        if key and self.invalid:
            self.invalid[-1].append(key.partition("=")[0])

    def stop(self, message: str, span: Span, body: str) -> None:
        """Stop reading a text that is larger than any cfg."""
        self.error("too-long", message, span, body)
        self.full = True
