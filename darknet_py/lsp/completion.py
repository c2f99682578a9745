"""Completions: sections, keys that the section lacks, values, and layers to refer to."""

from __future__ import annotations

from collections.abc import Iterator

from darknet_py.cfg.edits import NAME
from darknet_py.cfg.keys import keys_of
from darknet_py.graph.references import CALL, reference_keys
from darknet_py.layers.base import layer_class
from darknet_py.layers.cards import cards
from darknet_py.lsp.analysis import Analysis, Choice, known_card


def choices(analysis: Analysis, line: int, column: int) -> list[Choice]:
    """The choices for a cursor before `column`, best first."""
    before = analysis.document.source(line)[: column - 1].lstrip()
    if before.startswith("["):
        return [Choice(one.section, "section", one.summary) for one in cards()]
    position = analysis.position(line)
    if position is None or before[:1] in ("#", ";"):
        return []
    key, equals, _ = before.partition("=")
    if equals:
        return list(_values(analysis, position, key.strip()))
    return list(_keys(analysis, position, line))


def _keys(analysis: Analysis, position: int, line: int) -> Iterator[Choice]:
    section = analysis.document.sections[position]
    one = known_card(section.name)
    there = {entry.key for entry in section.entries if entry.span.line != line}
    for key in one.keys if one else ():
        if key.name not in there:
            yield Choice(key.name, "key", f"{key.type}, default {key.default or 'none'}", key.doc)


def _values(analysis: Analysis, position: int, key: str) -> Iterator[Choice]:
    section = analysis.document.sections[position]
    cls = layer_class(section.name)
    declared = [one for one in keys_of(cls).values() if one.name == key] if cls else []
    for word in declared[0].one_of if declared else ():
        yield Choice(word, "value", f"a value of {key}")
    if key in reference_keys(section):
        for name, index in analysis.names.items():
            if index + 1 < position:
                yield Choice(CALL + name, "layer", _layer(analysis, index))
        for index in range(position - 2, -1, -1):
            if analysis.document.sections[index + 1].first(NAME) is None:
                yield Choice(str(index), "layer", _layer(analysis, index))


def _layer(analysis: Analysis, index: int) -> str:
    shape = f" {analysis.graph[index].shape}" if analysis.graph else ""
    return f"layer {index} [{analysis.document.sections[index + 1].name}]{shape}"
