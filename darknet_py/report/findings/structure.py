"""What a variant changes in the network of the baseline, layer by layer."""

from __future__ import annotations

from collections.abc import Iterator

from darknet_py.cfg.document import parse
from darknet_py.edit.diff import Change, GraphDiff, Pair
from darknet_py.errors import DarknetPyError
from darknet_py.graph.compile import compile
from darknet_py.graph.graph import Graph, Node
from darknet_py.report.tables import ReportTable, group_digits, label

MOST_ROWS = 60
HEAD = ("change", "baseline", "variant", "keys", "map", "parameters", "BFLOPs", "reach")
WORDS = {"changed": "changed", "replaced": "replaced", "added": "added", "removed": "removed"}


def structure_table(before: str, after: str) -> ReportTable | None:
    """A row for each layer that differs in its keys, and the totals; None where a cfg does not compile here.

    Of the same network there are no rows.

    A cfg with layers of a plug-in compiles where the plug-in is loaded.
    """
    try:
        found = GraphDiff(compile(parse(before)), compile(parse(after)))
    except DarknetPyError:
        return None
    if found.same:
        return ReportTable(f"The same network: {len(found.a)} layers.", HEAD, (), numbers=False)
    rows = list(_rows(found))
    caption = f"{sum(pair.kind == 'same' for pair in found.pairs)} layers are the same."
    if follow := sum(pair.kind == "follows" for pair in found.pairs):
        caption += f" {follow} have the same keys, and another shape, cost or receptive field."
    if len(rows) > MOST_ROWS:
        caption += f" The first {MOST_ROWS} of {len(rows)} changes."
    total = ("total", "", "", "", "", _both(found, "parameters"), _both(found, "bflops"), "")
    return ReportTable(caption, HEAD, (*rows[:MOST_ROWS], total), numbers=False)


def _rows(found: GraphDiff) -> Iterator[tuple[str, ...]]:
    for change in found.net:
        yield ("changed", "[net]", "[net]", label(_text(change), limit=160), "", "", "", "")
    for pair in found.pairs:
        if pair.kind in WORDS:
            yield _row(found, pair)


def _row(found: GraphDiff, pair: Pair) -> tuple[str, ...]:
    a, b = pair.a, pair.b
    node, graph, at = (b, found.b, 1) if b else (a, found.a, 0)
    assert node is not None, "a pair has a layer"
    keys = ", ".join(map(_text, pair.changes)) if pair.kind == "changed" else _keys(graph, node)
    shape, reach = node.shape, found.fields[at][node.index].reach
    return (
        WORDS[pair.kind],
        _name(a),
        _name(b),
        label(keys, limit=160),
        f"{shape.channels} x {shape.height} x {shape.width}",
        group_digits(node.cost.parameters),
        f"{node.cost.bflops:.3f}",
        " x ".join(map(str, reach)),
    )


def _name(node: Node | None) -> str:
    return f"{node.index} [{node.layer.section}]" if node else ""


def _keys(graph: Graph, node: Node) -> str:
    entries = graph.document.sections[node.index + 1].entries
    return ", ".join(f"{entry.key}={entry.value}" for entry in entries)


def _text(change: Change) -> str:
    if change.before is None:
        return f"{change.key}={change.after}"
    if change.after is None:
        return f"no {change.key} ({change.before})"
    return f"{change.key} {change.before} -> {change.after}"


def _both(found: GraphDiff, name: str) -> str:
    ours, theirs = (getattr(graph.cost, name) for graph in (found.a, found.b))
    if name == "bflops":
        return f"{ours:.3f} -> {theirs:.3f}"
    return f"{group_digits(ours)} -> {group_digits(theirs)}"
