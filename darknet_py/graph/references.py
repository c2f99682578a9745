"""References of a text to layers: by number, or by the names that layers have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from darknet_py.cfg.diagnostics import Complaint, Diagnostic, Span, did_you_mean
from darknet_py.cfg.document import PACK, WHITE, Document, Entry, Section, before_comment
from darknet_py.cfg.edits import NAME, WORD, names_of, put_all, without_keys
from darknet_py.cfg.keys import keys_of
from darknet_py.cfg.values import INTEGER
from darknet_py.errors import quoted
from darknet_py.layers.base import Layer, absolute, layer_class

CALL = "@"


@dataclass(frozen=True)
class Reference:
    """One reference of a section to a layer: `text` is `-4`, `8` or `@spp_in`, without white space."""

    key: str
    text: str
    span: Span

    @property
    def relative(self) -> bool:
        """Whether it counts back."""
        return self.text.startswith("-")

    def layer(self, at: int, names: dict[str, int]) -> int | None:
        """The index of the layer that layer `at` refers to; None for an unknown name and for no number."""
        if self.text.startswith(CALL):
            return names.get(self.text[1:])
        return absolute(int(self.text), at) if INTEGER.fullmatch(self.text) else None


def input_keys(cls: type[Layer]) -> tuple[str, ...]:
    """The keys of a class that name the layers it reads; none where it reads the layer before it."""
    return () if cls.inputs is Layer.inputs else tuple(k.name for k in keys_of(cls).values() if k.refers)


def reference_keys(section: Section) -> tuple[str, ...]:
    """The keys of a section that name layers."""
    cls = layer_class(section.name)
    return tuple(key.name for key in keys_of(cls).values() if key.refers) if cls else ()


def references(document: Document, position: int) -> Iterator[Reference]:
    """The references of a section, in the order of its keys' declarations and of their values."""
    section = document.sections[position]
    for key in reference_keys(section):
        if entry := section.first(key):
            yield from _items(document, entry)


def _items(document: Document, entry: Entry) -> Iterator[Reference]:
    span = entry.value_span
    start = span.column - 1
    raw = document.source(span.line)[start : start + span.length]
    for piece in re.finditer("[^,]+", before_comment(raw)):
        bare = piece.group().strip(WHITE)
        if bare:
            lead = len(piece.group()) - len(piece.group().lstrip(WHITE))
            at = Span(span.line, span.column + piece.start() + lead, len(bare))
            yield Reference(entry.key, bare.translate(PACK), at)


def by_numbers(document: Document) -> Document:
    """The document with Darknet's numbers as the values of its references; the text itself stays.

    Names that are invalid, duplicate or unknown are added to the document's errors.
    """
    return _NameResolver(document).resolved() if _uses_names(document) else document


def _uses_names(document: Document) -> bool:
    return any(CALL in entry.value for section in document.sections for entry in section.entries)


def name_warning(document: Document) -> Iterator[Diagnostic]:
    """The first name that no reference could use, where none uses a name: then they are another tool's."""
    if _uses_names(document) or not any(section.first(NAME) for section in document.sections):
        return
    resolver = _NameResolver(document)
    resolver.resolved()
    if resolver.errors:
        first, *others = resolver.errors
        more = f", like {len(others)} more" if others else ""
        reason = f"no reference uses names here, so that it is ignored{more}"
        yield replace(first, severity="warning", reason=reason)


class _NameResolver:
    """A document with names on its way to one with numbers."""

    def __init__(self, document: Document) -> None:
        self.document, self.names = document, names_of(document)
        self.errors: list[Diagnostic] = []

    def resolved(self) -> Document:
        sections = tuple(self.section(at, one) for at, one in enumerate(self.document.sections))
        return replace(self.document, sections=sections, errors=(*self.document.errors, *self.errors))

    def section(self, position: int, section: Section) -> Section:
        if entry := section.first(NAME):
            self.check_name(position, entry)
        values: dict[str, Entry] = {}
        invalid = list(section.invalid_keys)
        for key in reference_keys(section):
            entry = section.first(key)
            if entry and CALL in entry.value:
                value = self.numbers(entry)
                invalid += [] if value else [key]
                values[key] = replace(entry, value=value)
        entries = (values.get(e.key, e) if e is section.first(e.key) else e for e in section.entries)
        return replace(section, entries=tuple(e for e in entries if e.value), invalid_keys=tuple(invalid))

    def check_name(self, position: int, entry: Entry) -> None:
        """Report what is wrong with a name."""
        first = self.names.get(entry.value)
        if position == 0 or entry.value == "net":
            message, reason = f"{quoted(entry.value)} cannot be a layer's name", "`net` is what edits call it"
            complaint = Complaint(message, code="bad-name", reason=reason)
        elif not re.fullmatch(WORD, entry.value, re.ASCII):
            reason = "a name begins with a letter; letters, digits and `_` follow, and no comment on its line"
            complaint = Complaint(f"name={quoted(entry.value)} is no name", code="bad-name", reason=reason)
        elif first is not None and first != position - 1:
            line = self.document.sections[first + 1].span.line
            message = f"a second layer called `{entry.value}`; the first is layer {first}, line {line}"
            complaint = Complaint(message, code="duplicate-name")
        else:
            return
        self.errors.append(self.document.locate(complaint, entry.value_span))

    def numbers(self, entry: Entry) -> str:
        """The entry's value with numbers; empty when a name is unknown and none is likely to be meant."""
        value = entry.value
        for item in _items(self.document, entry):
            name = item.text[1:]
            if not item.text.startswith(CALL):
                continue
            if name not in self.names:
                guess = did_you_mean(name, self.names)
                reason = "" if guess else f"names are {', '.join(self.names) or 'none'}; `name =` gives one"
                message, meant = f"no layer is called `{quoted(name)}`", f"{CALL}{guess}" if guess else ""
                complaint = Complaint(message, code="unknown-name", reason=reason, suggestion=meant)
                self.errors.append(self.document.locate(complaint, item.span))
                if not guess:
                    return ""
                value, name = value.replace(item.text, meant, 1), guess
            value = re.sub(rf"{CALL}{re.escape(name)}(?![A-Za-z0-9_])", str(self.names[name]), value)
        return value


def plain(document: Document) -> Document:
    """The document without names: references are the numbers that `show` prints, as Darknet reads them."""
    names = names_of(document)
    texts = [
        (item.span, str(names[item.text[1:]]))
        for position in range(1, len(document.sections))
        for item in references(document, position)
        if item.text.startswith(CALL)
    ]
    document = put_all(document, texts)
    for position in range(len(document.sections)):
        document = without_keys(document, position, [NAME])
    return document
