"""Diagnostics of a cfg: spans, messages, and how they are printed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from darknet_py.errors import DarknetPyError, quoted_path

Severity = Literal["error", "warning", "hint"]
SIMILAR = 0.75  # a bad suggestion is worse than none
SHORT = 3  # letters of words in which one wrong letter leaves less than that
LONGEST = 64  # letters of a word that may be a misspelling
WIDEST = 160  # characters of a source line that are shown


@dataclass(frozen=True)
class Span:
    """A range of one line: `line` and `column` count from 1, `length` in characters."""

    line: int
    column: int = 1
    length: int = 1


@dataclass(frozen=True)
class Diagnostic:
    """One error or warning, at its place.

    Args:
        code: the stable name of the kind of error, as in `error[unknown-key]`.
        message: what is wrong, in one line.
        reason: why it matters, or what was expected (may be empty).
        suggestion: the text that was probably meant; shown only when it is likely.
        source: the line itself, without its end.
    """

    severity: Severity
    code: str
    message: str
    path: str
    span: Span
    reason: str = ""
    suggestion: str = ""
    source: str = ""

    def __str__(self) -> str:
        place = f"{quoted_path(self.path)}:{self.span.line}:{self.span.column}"
        head = f"{place}: {self.severity}[{self.code}]: {self.message}"
        lines = [head, *self._drawn()]
        if self.reason:
            lines.append(f"   = {self.reason}")
        return "\n".join(lines)

    def _drawn(self) -> list[str]:
        if not self.source:
            return [f"   = did you mean `{self.suggestion}`?"] if self.suggestion else []
        text = self.source.replace("\t", " ")
        text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)[:WIDEST]
        start = min(self.span.column - 1, WIDEST)
        caret = " " * start + "^" * max(1, min(self.span.length, len(text) - start))
        question = f" did you mean `{self.suggestion}`?" if self.suggestion else ""
        number = f"{self.span.line:>3}"
        margin = " " * len(number)
        return [f"{margin}|", f"{number}| {text}", f"{margin}| {caret}{question}"]

    def to_json(self) -> dict[str, object]:
        """The stable form for `lint --format json`."""
        return {
            "file": self.path.encode("utf-8", "backslashreplace").decode(),
            "line": self.span.line,
            "column": self.span.column,
            "severity": self.severity,
            "code": self.code,
            "message": self.message,
            "reason": self.reason or None,
            "suggestion": self.suggestion or None,
        }


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Sorted by line and column; those of one place keep their order."""
    return tuple(sorted(diagnostics, key=lambda d: (d.span.line, d.span.column)))


class CfgError(DarknetPyError):
    """A cfg that cannot be used; carries every error that was found, not only the first."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        Exception.__init__(self, "\n".join(str(d) for d in self.diagnostics))


@dataclass(frozen=True)
class Complaint:
    """What is wrong with a layer, in terms of its keys; `compile` knows the line.

    Args:
        key: the key to point at; the section's header when empty or absent from the text.
        reads: None to point at the layer itself, k to point at the k-th layer it reads.
    """

    message: str
    key: str = ""
    code: str = "bad-value"
    reason: str = ""
    suggestion: str = ""
    severity: Severity = "error"
    reads: int | None = None


class Refused(Exception):
    """A layer cannot have a shape; carries the complaint."""

    def __init__(self, complaint: Complaint) -> None:
        super().__init__(complaint.message)
        self.complaint = complaint


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The known word that was probably meant, or an empty string.

    >>> did_you_mean("leeky", ["leaky", "linear"])
    'leaky'
    >>> did_you_mean("filters", ["size", "stride"])
    ''
    """
    import difflib  # here, for a cfg without mistakes needs no suggestion

    typed = word.lower()[:LONGEST]
    best: tuple[float, ...] = ()
    guess = ""
    for candidate in known:
        slips = _slips(typed, candidate)
        similarity = difflib.SequenceMatcher(None, candidate, typed).ratio()
        short = slips == 1 and len(typed) == len(candidate) == SHORT
        rank = (-slips, -abs(len(candidate) - len(typed)), similarity)
        if (similarity >= SIMILAR or short) and (not best or rank > best):
            best, guess = rank, candidate
    return guess


def _slips(typed: str, word: str) -> int:
    """The edit distance of two words; an exchange of neighbouring letters counts one."""
    before: list[int] = []
    row = list(range(len(word) + 1))
    for i, letter in enumerate(typed, start=1):
        earlier, before, row = before, row, [i]
        for j, other in enumerate(word, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == word[j - 2] and other == typed[i - 2]:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
    return row[-1]
