"""The analysis of one text for an editor; lines and columns count from 1, as everywhere in the package."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property

from darknet_py.cfg.diagnostics import CfgError, Diagnostic, Span
from darknet_py.cfg.document import Entry, parse
from darknet_py.cfg.edits import NAME, names_of
from darknet_py.graph.graph import Graph
from darknet_py.graph.references import CALL, Reference, references
from darknet_py.layers.base import layer_class
from darknet_py.layers.cards import Card, KeyCard, card
from darknet_py.lint.check import compile_checked, warnings


class Analysis:
    """A cfg's text, its graph and its diagnostics; every answer comes from these."""

    def __init__(self, text: str, path: str) -> None:
        self.document = parse(text, path=path)
        self.graph: Graph | None = None
        self.diagnostics: tuple[Diagnostic, ...]
        try:
            self.graph = compile_checked(self.document)
            self.diagnostics = warnings(self.graph)
        except CfgError as error:
            self.diagnostics = error.diagnostics

    @cached_property
    def names(self) -> dict[str, int]:
        """The index of each layer that has a name."""
        return names_of(self.document)

    def position(self, line: int) -> int | None:
        """Which section a line belongs to: 0 is [net], layer N stands at N + 1."""
        begins = [at for at, section in enumerate(self.document.sections) if section.span.line <= line]
        return begins[-1] if begins else None

    def entry(self, line: int) -> Entry | None:
        """The key on a line."""
        position = self.position(line)
        entries = () if position is None else self.document.sections[position].entries
        return next((entry for entry in entries if entry.span.line == line), None)

    def reference(self, line: int, column: int) -> tuple[Reference, int] | None:
        """The reference here, and the index of its layer; None where there is none."""
        position = self.position(line)
        if not position:
            return None
        for one in references(self.document, position):
            if one.span.line == line and one.span.column <= column <= one.span.column + one.span.length:
                index = one.layer(position - 1, self.names)
                layers = len(self.document.sections) - 1
                return (one, index) if index is not None and 0 <= index < layers else None
        return None

    def definition(self, line: int, column: int) -> Span | None:
        """The header of the layer that is referred to here."""
        found = self.reference(line, column)
        return self.document.sections[found[1] + 1].span if found else None

    def called(self, line: int, column: int) -> str | None:
        """The name under the cursor: where it is given, or where it is used."""
        entry, found = self.entry(line), self.reference(line, column)
        if entry and entry.key == NAME and entry.value in self.names:
            return entry.value
        return found[0].text[1:] if found and found[0].text.startswith(CALL) else None

    def places(self, name: str) -> Iterator[Span]:
        """Every occurrence of a name, without the `@` of references."""
        for position, section in enumerate(self.document.sections):
            entry = section.first(NAME)
            if entry and entry.value == name:
                yield entry.value_span
            for one in references(self.document, position):
                if one.text == CALL + name:
                    yield Span(one.span.line, one.span.column + 1, one.span.length - 1)


@dataclass(frozen=True)
class Choice:
    """One completion: its text, its kind, and what it means."""

    text: str
    kind: str  # section, key, value or layer
    detail: str
    doc: str = ""


@cache
def known_card(section: str) -> Card | None:
    """The card of a section; None for an unknown name."""
    return card(section) if layer_class(section) else None


def key_of(section: str, name: str) -> KeyCard | None:
    """The card of a key."""
    one = known_card(section)
    return next((key for key in one.keys if key.name == name), None) if one else None
