"""Hover texts in Markdown: the figures of a layer, the card of a key."""

from __future__ import annotations

from collections.abc import Iterator

from darknet_py.cfg.diagnostics import Span
from darknet_py.graph.graph import Graph
from darknet_py.graph.reach import fields
from darknet_py.layers.cards import KeyCard
from darknet_py.lsp.analysis import Analysis, key_of, known_card


def hover(analysis: Analysis, line: int, column: int) -> tuple[str, Span] | None:
    """The text, and the span that it describes."""
    position = analysis.position(line)
    if position is None:
        return None
    section = analysis.document.sections[position]
    if section.span.line == line:
        return "\n".join(about_section(analysis, position)), section.span
    if found := analysis.reference(line, column):
        return "\n".join(about_section(analysis, found[1] + 1)), found[0].span
    entry = analysis.entry(line)
    key = key_of(section.name, entry.key) if entry else None
    return ("\n".join(about_key(section.name, key)), entry.span) if entry and key else None


def about_section(analysis: Analysis, position: int) -> Iterator[str]:
    """Shape, cost and receptive field, then the summary of the section."""
    section = analysis.document.sections[position]
    one = known_card(section.name)
    yield f"**layer {position - 1} [{section.name}]**" if position else "**[net]**"
    yield ""
    if position and analysis.graph:
        yield from _figures(analysis.graph, position - 1)
    elif position:
        yield f"no shape while the cfg has errors ({len(analysis.diagnostics)} messages)"
        yield ""
    if one:
        yield one.summary


def _figures(graph: Graph, index: int) -> Iterator[str]:
    node, field = graph[index], fields(graph)[index]
    reads = ", ".join("the image" if i < 0 else f"layer {i} [{graph[i].layer.section}]" for i in node.inputs)
    stride = "x".join(dict.fromkeys(map(str, field.stride)))
    cost = node.cost
    yield "| | |"
    yield "|---|---|"
    yield f"| reads | {reads} |"
    yield f"| outputs | {node.shape} (channels x height x width), stride {stride} |"
    yield f"| costs | {cost.parameters:,} floats, {cost.bflops:.3f} BFLOPs |"
    yield f"| sees | {field.reach[0]} x {field.reach[1]} pixels of the image (rows x columns) |"
    yield ""


def about_key(section: str, key: KeyCard) -> Iterator[str]:
    """Meaning, range and default of a key, and whether it is honoured."""
    yield f"**{key.name}** of [{section}]: {key.doc}"
    yield ""
    facts = [key.type, key.unit and f"in {key.unit}", key.range, f"default: {key.default or 'none'}"]
    yield "; ".join(fact for fact in facts if fact)
    if key.limit:
        yield ""
        yield key.limit
