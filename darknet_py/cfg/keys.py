"""Keys of a section, declared once: type, default, range and meaning. A class of keys reads a Section."""

from __future__ import annotations

import dataclasses
import re
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from darknet_py.cfg.diagnostics import Diagnostic, Severity, Span, did_you_mean
from darknet_py.cfg.document import COMMENT, Document, Entry, Section
from darknet_py.cfg.values import Unreadable, value_of
from darknet_py.errors import quoted

REQUIRED: Any = object()
KINDS: dict[object, Any] = {  # types of keys, by their annotations
    "int": int,
    "float": float,
    "str": str,
    "bool": bool,
    "tuple[int, ...]": tuple[int, ...],
    "tuple[float, ...]": tuple[float, ...],
}
_KEYS: dict[type, dict[str, Key]] = {}
_TYPES: dict[type, dict[str, Any]] = {}
JOINED = re.compile(r"[0-9.][ \t]+[-+0-9.]", re.ASCII)


@dataclass(frozen=True)
class Key:
    """What one key of a section may hold."""

    name: str
    default: Any
    doc: str
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None
    above: float | None = None
    one_of: tuple[str, ...] = ()
    ignored: str = ""
    refused: str = ""
    not_executable: str = ""
    refers: bool = False

    def refusal(self, value: Any) -> str:
        """Why a value lies outside the range, or an empty string."""
        if self.refused and value != self.default:
            return f"is not supported: {self.refused}"
        for number in value if isinstance(value, tuple) else (value,):
            if self.one_of and number not in self.one_of:
                return "is not known"
            if self.above is not None and not number > self.above:
                return f"must be above {self.above:.10g}"
            if self.at_least is not None and not number >= self.at_least:
                return f"must be at least {self.at_least:.10g}"
            if self.at_most is not None and not number <= self.at_most:
                return f"must be at most {self.at_most:.10g}"
        return ""


@dataclass(frozen=True)
class SameAs:
    """A default that follows another key of the same section."""

    field: str
    rule: Callable[[Any], Any] = lambda value: value


def same_as(field: str, rule: Callable[[Any], Any] = lambda value: value) -> SameAs:
    """The default of one key taken from another, through `rule`: `padding` is `size - 1`."""
    return SameAs(field, rule)


def key(
    default: Any = REQUIRED,
    *,
    doc: str,
    unit: str = "",
    at_least: float | None = None,
    at_most: float | None = None,
    above: float | None = None,
    one_of: tuple[str, ...] = (),
    name: str = "",
    ignored: str = "",
    refused: str = "",
    not_executable: str = "",
    refers: bool = False,
) -> Any:
    """Declare one key of a section, as a field of the section's class.

    Args:
        default: the value where the text has none; REQUIRED, a value, or `same_as(field)`.
        name: the word in the cfg, where it is no Python name (`from`).
        ignored: why we read the key and do not honour it; `lint` says so when it is set.
        refused: why any value but the default is an error: the network would be another.
        not_executable: why a network with any value but the default compiles, and is not run.
        refers: its numbers are layers, negative ones counted back; a text may name them, as `@spp_in`.
    """
    declared = Key(
        name, default, doc, unit, at_least, at_most, above, one_of, ignored, refused, not_executable, refers
    )
    plain = REQUIRED if default is REQUIRED else default
    if plain is REQUIRED or isinstance(default, SameAs):
        return dataclasses.field(metadata={"key": declared})
    return dataclasses.field(default=plain, metadata={"key": declared})


def keys_of(cls: type) -> dict[str, Key]:
    """Every declared key of a class by field name, in the order of declaration."""
    found = _KEYS.get(cls)
    if found is None:
        found = _KEYS[cls] = {}
        for item in dataclasses.fields(cls):
            if "key" in item.metadata:
                declared = found[item.name] = item.metadata["key"]
                if not declared.name:  # `key` cannot know its field; subclasses share the Key
                    object.__setattr__(declared, "name", item.name)
    return found


def types_of(cls: type) -> dict[str, Any]:
    """The type of every key by field name, one of KINDS."""
    found = _TYPES.get(cls)
    if found is None:
        kinds = {
            item.name: KINDS.get(item.type) for item in dataclasses.fields(cls) if "key" in item.metadata
        }
        known = None not in kinds.values()  # else a file of layers that does not postpone its annotations
        found = _TYPES[cls] = kinds if known else typing.get_type_hints(cls)
    return found


def read_keys(
    cls: type, section: Section, document: Document, *, lenient: bool = False
) -> tuple[Any, list[Diagnostic]]:
    """Read a section into an instance of `cls`.

    The first of two equal keys wins, as in Darknet. A key that the class does not have is a warning, or a
    error when it is likely to be a misspelling of one that the section lacks (unless `lenient`).

    Returns:
        The instance, or None when a value is lost; and every error and warning. A misspelling with a good
        suggestion is read as what it suggests, so that what follows can be checked all the same.
    """
    reader = _Keys(cls, section, document, lenient)
    values = reader.values()
    return (None if reader.lost or section.unread else cls(**values)), reader.diagnostics


class _Keys:
    """One section being read."""

    def __init__(self, cls: type, section: Section, document: Document, lenient: bool) -> None:
        self.cls, self.section, self.document, self.lenient = cls, section, document, lenient
        self.by_name = {k.name: (field, k) for field, k in keys_of(cls).items()}
        self.present = {entry.key for entry in section.entries}
        self.diagnostics: list[Diagnostic] = []
        self.lost = False  # a value that nothing can stand in for

    def values(self) -> dict[str, Any]:
        found = dict(self.read())
        for field, declared in keys_of(self.cls).items():
            if field not in found:
                found[field] = self.default(declared, found)
        return found

    def read(self) -> Iterator[tuple[str, Any]]:
        seen: dict[str, Entry] = {}
        for entry in self.section.entries:
            first = seen.setdefault(entry.key, entry)
            if first is not entry:
                self.repeated(entry, first)
            elif entry.key in self.by_name:
                yield from self.entry(entry, entry.key)
            elif guess := self.unknown(entry):
                yield from self.entry(entry, guess)

    def entry(self, entry: Entry, name: str) -> Iterator[tuple[str, Any]]:
        field, declared = self.by_name[name]
        value = self.convert(entry, declared, types_of(self.cls)[field])
        if value is not None:
            yield field, value

    def default(self, declared: Key, found: dict[str, Any]) -> Any:
        if declared.default is REQUIRED:
            if declared.name not in (*self.present, *self.section.unread):
                wanted = f"[{self.section.name}] needs `{declared.name}=`: {declared.doc}"
                self.say("error", "missing-key", wanted, self.section.span)
                self.lost = True
            return None
        if isinstance(declared.default, SameAs):
            base = found.get(declared.default.field, self._declared_default(declared.default.field))
            return None if base is None else declared.default.rule(base)
        return declared.default

    def _declared_default(self, field: str) -> Any:
        return self.default(keys_of(self.cls)[field], {})

    def convert(self, entry: Entry, declared: Key, kind: Any) -> Any:
        text = self.without_comment(entry, kind)
        try:
            value = value_of(text, kind)
        except Unreadable as error:
            self.say("error", "bad-value", f"{entry.key}={quoted(text)}: {error}", entry.value_span)
            self.lost = True
            return None
        refusal = declared.refusal(value)
        if refusal:
            return self.refuse(entry, declared, text, refusal)
        if value != declared.default:
            self.unused(entry, declared, quoted(text))
        return value

    def unused(self, entry: Entry, declared: Key, text: str) -> None:
        """Say of a value that it is not honoured, or that a network with it is not run."""
        said = f"{entry.key}={text} is"
        if declared.ignored:
            message = f"{said} read and not honoured"
            self.say("warning", "ignored-key", message, entry.span, declared.ignored)
        if declared.not_executable:
            self.say(
                "warning",
                "not-run",
                f"{said} understood, and not run here",
                entry.span,
                declared.not_executable,
            )

    def refuse(self, entry: Entry, declared: Key, text: str, refusal: str) -> Any:
        """Say why a value is refused; what is probably meant, or None."""
        code = "unsupported-key" if declared.refused else "out-of-range"
        code = "unknown-value" if declared.one_of else code
        bare = re.split(f"[{COMMENT}]", text)[0]
        guess = bare if bare in declared.one_of else did_you_mean(text, declared.one_of)
        reason = "" if guess or not declared.one_of else f"expected one of {', '.join(declared.one_of)}"
        if bare in declared.one_of:
            reason = (
                "Darknet takes a comment behind a value as part of the value; put it on a line of its own"
            )
        self.say("error", code, f"{entry.key}={quoted(text)} {refusal}", entry.value_span, reason, guess)
        self.lost |= code == "out-of-range"
        return guess or None

    def without_comment(self, entry: Entry, kind: Any) -> str:
        bare = re.split(f"[{COMMENT}]", entry.value)[0]
        if kind is not str:
            self.joined(entry, bare)
        if kind is str or bare == entry.value:
            return entry.value
        why = "Darknet has no comments behind values; its number reader stops at the first other character"
        self.say(
            "warning",
            "inline-comment",
            f"{entry.key}={quoted(entry.value)} is read as {quoted(bare)}",
            entry.value_span,
            why,
        )
        return bare

    def joined(self, entry: Entry, value: str) -> None:
        """Say of digits with white space between them that they are one number."""
        start = entry.value_span.column - 1
        written = self.document.source(entry.span.line)[start : start + entry.value_span.length]
        if JOINED.search(re.split(f"[{COMMENT}]", written)[0]):
            message = f"{entry.key}={quoted(value)} is written with a space between two digits"
            why = "Darknet drops white space, so that they are one number; numbers of a list need commas"
            self.say("warning", "joined-digits", message, entry.value_span, why)

    def unknown(self, entry: Entry) -> str:
        """Say that a key is unknown; the key that is probably meant, or an empty string."""
        lacking = [name for name in self.by_name if name not in self.present]
        guess = did_you_mean(entry.key, lacking)
        severity: Severity = "error" if guess and not self.lenient else "warning"
        message = f"[{self.section.name}] has no key `{quoted(entry.key)}`"
        self.say(
            severity, "unknown-key", message, entry.span, "" if guess else "Darknet ignores it too", guess
        )
        return guess if severity == "error" else ""

    def repeated(self, entry: Entry, first: Entry) -> None:
        same = (
            "says the same"
            if entry.value == first.value
            else f"is not used; line {first.span.line} is ({quoted(first.value)})"
        )
        message = f"a second `{quoted(entry.key)}` in this section {same}"
        self.say("warning", "duplicate-key", message, entry.span, "Darknet keeps the first of two equal keys")

    def say(
        self, severity: Severity, code: str, message: str, span: Span, reason: str = "", guess: str = ""
    ) -> None:
        source = self.document.source(span.line)
        self.diagnostics.append(
            Diagnostic(severity, code, message, self.document.path, span, reason, guess, source)
        )
