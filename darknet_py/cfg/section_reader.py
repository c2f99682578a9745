"""A section of a cfg read into an instance of the class that declares its keys."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from darknet_py.cfg.diagnostics import Complaint, Diagnostic, Severity, Span
from darknet_py.cfg.document import Document, Entry, Section, before_comment
from darknet_py.cfg.keys import REQUIRED, Key, SameAs, fields_of, keys_of, open_keys_of, types_of
from darknet_py.cfg.values import Unreadable, value_of, without_units
from darknet_py.errors import quoted

JOINED = re.compile(r"[0-9.][ \t]+[-+0-9.]", re.ASCII)


def read_keys(
    cls: type,
    section: Section,
    document: Document,
    *,
    lenient: bool = False,
    owner: Callable[[str], str] = lambda key: "",
) -> tuple[Any, list[Diagnostic]]:
    """Read a section into an instance of `cls`.

    The first of two equal keys wins, as in Darknet. A key that the class does not have is a warning, or a
    error when it is likely to be a misspelling of one that the section lacks (unless `lenient`).

    Args:
        owner: another section that has a key, by name; such a key is not taken for a misspelling.

    Returns:
        The instance, or None when a value is lost; and every error and warning. A misspelling with a good
        suggestion is read as what it suggests, so that what follows can be checked all the same.
    """
    reader = _SectionReader(cls, section, document, lenient, owner)
    values = reader.values()
    return (None if reader.lost or section.invalid_keys else cls(**values)), reader.diagnostics


class _SectionReader:
    """The state of reading one section; `lost` once a value is missing that nothing can stand in for."""

    def __init__(
        self,
        cls: type,
        section: Section,
        document: Document,
        lenient: bool,
        owner: Callable[[str], str],
    ) -> None:
        self.section, self.document, self.lenient, self.owner = section, document, lenient, owner
        self.keys, self.fields, self.types = keys_of(cls), fields_of(cls), types_of(cls)
        self.open_keys, self.kind = open_keys_of(cls), getattr(cls, "section", "")
        self.present = {entry.key for entry in section.entries}
        self.diagnostics: list[Diagnostic] = []
        self.lost = False

    def values(self) -> dict[str, Any]:
        """By field, the values that the text sets and the defaults that follow from others."""
        found: dict[str, Any] = {}
        seen: dict[str, Entry] = {}
        for entry in self.section.entries:
            first = seen.setdefault(entry.key, entry)
            if first is not entry:
                self.report_duplicate(entry, first)
                continue
            field = self.fields.get(entry.key) or self.fields.get(self.guess_unknown(entry))
            value = self.convert(entry, self.keys[field], self.types[field]) if field else None
            if field and value is not None:
                found[field] = value
        for field, declared in self.open_keys.items():
            if field not in found:
                found[field] = self.default(declared, found)
        return found

    def default(self, declared: Key, found: dict[str, Any]) -> Any:
        """What stands in for a key that the text does not set; None where nothing can."""
        if declared.default is REQUIRED:
            if declared.name not in (*self.present, *self.section.invalid_keys):
                message = f"[{self.section.name}] needs `{declared.name}=`: {declared.doc}"
                self.report(self.section.span, Complaint(message, code="missing-key"))
                self.lost = True
            return None
        if not isinstance(declared.default, SameAs):
            return declared.default
        field = declared.default.field
        base = found[field] if field in found else self.default(self.keys[field], {})
        return None if base is None else declared.default.rule(base)

    def convert(self, entry: Entry, declared: Key, kind: Any) -> Any:
        """The value of an entry; None where it cannot be read or is refused without a likely meaning."""
        text = entry.value if kind is str else self.number_text(entry)
        try:
            value = self.number(entry, text, kind)
        except Unreadable as error:
            self.report(entry.value_span, Complaint(f"{entry.key}={quoted(text)}: {error}"))
            self.lost = True
            return None
        if refusal := declared.refusal(value):
            return self.refuse(entry, declared, text, refusal)
        if value != declared.default:
            self.report_unused(entry, declared, quoted(text))
        return value

    def number(self, entry: Entry, text: str, kind: Any) -> Any:
        """The value of a text; of a number with a unit or comment behind it, as Darknet reads it.

        Raises:
            Unreadable: when it is none, or what follows the number could change its meaning.
        """
        try:
            return value_of(text, kind)
        except Unreadable:
            plain = without_units(text)
            value = value_of(plain, kind) if plain != text else value_of(text, kind)
        message = f"{entry.key}={quoted(text)} is read as {plain}"
        reason = "Darknet's number reader stops at the first other character; write the number alone"
        complaint = Complaint(message, code="trailing-text", reason=reason, severity="warning")
        self.report(entry.value_span, complaint)
        return value

    def report_unused(self, entry: Entry, declared: Key, text: str) -> None:
        """Report a value that is not honoured, or with which a network is not executed."""
        kinds = (
            ("ignored-key", declared.ignored, "read and not honoured"),
            ("not-run", declared.not_executable, "understood, and not run here"),
        )
        for code, reason, words in kinds:
            if reason:
                message = f"{entry.key}={text} is {words}"
                self.report(entry.span, Complaint(message, code=code, reason=reason, severity="warning"))

    def refuse(self, entry: Entry, declared: Key, text: str, refusal: str) -> Any:
        """Report why a value is refused; what is probably meant, or None."""
        code = "unsupported-key" if declared.refused else "out-of-range"
        code = "unknown-value" if declared.one_of else code
        bare = before_comment(text)
        guess = reason = ""
        if bare in declared.one_of:
            guess = bare
            reason = (
                "Darknet takes a comment behind a value as part of the value; put it on a line of its own"
            )
        elif declared.one_of:
            from darknet_py.cfg.synonyms import meant_value  # here, for a cfg without mistakes needs none

            meant = meant_value(entry.key, bare, declared.one_of)
            guess, known = meant.word, "" if meant.word else f"expected one of {', '.join(declared.one_of)}"
            reason = "; ".join(filter(None, (meant.reason, known)))
        message = f"{entry.key}={quoted(text)} {refusal}"
        self.report(entry.value_span, Complaint(message, code=code, reason=reason, suggestion=guess))
        self.lost |= code == "out-of-range"
        return guess or None

    def number_text(self, entry: Entry) -> str:
        """The text of a number or of a list of numbers, without a comment behind it."""
        bare = before_comment(entry.value)
        start = entry.value_span.column - 1
        written = self.document.source(entry.span.line)[start : start + entry.value_span.length]
        if JOINED.search(before_comment(written)):
            message = f"{entry.key}={quoted(bare)} is written with a space between two digits"
            reason = "Darknet drops white space, so that they are one number; numbers of a list need commas"
            complaint = Complaint(message, code="joined-digits", reason=reason, severity="warning")
            self.report(entry.value_span, complaint)
        if bare != entry.value:
            message = f"{entry.key}={quoted(entry.value)} is read as {quoted(bare)}"
            reason = (
                "Darknet has no comments behind values; its number reader stops at the first other character"
            )
            complaint = Complaint(message, code="inline-comment", reason=reason, severity="warning")
            self.report(entry.value_span, complaint)
        return bare

    def guess_unknown(self, entry: Entry) -> str:
        """Report an unknown key; the key that is probably meant, or an empty string."""
        from darknet_py.cfg.synonyms import meant_key  # here, for a cfg without mistakes needs none

        lacking = [name for name in self.fields if name not in self.present]
        meant = meant_key(self.kind, entry.key, lacking, owner=self.owner)
        guess = meant.word
        severity: Severity = "error" if guess and not self.lenient else "warning"
        message = f"[{self.section.name}] has no key `{quoted(entry.key)}`"
        reason = "; ".join(filter(None, (meant.reason, "" if guess else "Darknet ignores it too")))
        complaint = Complaint(message, code="unknown-key", reason=reason, suggestion=guess, severity=severity)
        self.report(entry.span, complaint)
        return guess if severity == "error" else ""

    def report_duplicate(self, entry: Entry, first: Entry) -> None:
        """Report a second line of a key."""
        effect = f"is not used; line {first.span.line} is ({quoted(first.value)})"
        reason = "Darknet keeps the first of two equal keys"
        if entry.value == first.value:
            effect = "has the same value"
            reason += "; its later versions by Hank.ai refuse the cfg"
        message = f"a second `{quoted(entry.key)}` in this section {effect}"
        complaint = Complaint(message, code="duplicate-key", reason=reason, severity="warning")
        self.report(entry.span, complaint)

    def report(self, span: Span, complaint: Complaint) -> None:
        """Record what is wrong at a place."""
        self.diagnostics.append(self.document.locate(complaint, span))
