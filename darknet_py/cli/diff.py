"""`diff`: two networks, not two texts."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from darknet_py.arithmetic.field import Field
from darknet_py.cli.options import add_json
from darknet_py.cli.terminal import print_result
from darknet_py.edit.diff import Change, GraphDiff, Pair
from darknet_py.edit.variant import compile_variant
from darknet_py.graph.graph import Graph, Node
from darknet_py.graph.lifetime import peak_floats
from darknet_py.graph.summary import cost_as_json, totals_as_json
from darknet_py.layers.heads.head import Head

SIGNS = {"changed": "~", "replaced": "~", "added": "+", "removed": "-", "follows": "=", "same": "="}
HEAD = "    A ->  B   layer          channels x height x width        floats   BFLOPs   sees   what differs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    parser.add_argument("a", metavar="A", help="a cfg, also with edits: CFG@82.size=19")
    parser.add_argument("b", metavar="B", help="the other")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw B into a file, differences marked")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print what differs between two cfgs; 0 whether something does or not."""
    found = GraphDiff(variant(args.a), variant(args.b))
    if args.svg:
        from darknet_py.files.atomic import publish_bytes

        publish_bytes(args.svg, diff_svg(found).encode())
    print_result(args, lambda: diff_json(found), lambda: diff_lines(found))
    return 0


def variant(text: str) -> Graph:
    """The network of `CFG` or `CFG@EDIT,...`."""
    return compile_variant(text)


def diff_svg(found: GraphDiff) -> str:
    """B as a picture, with what differs marked; what A alone has is listed under the title."""
    from darknet_py.draw.svg import Mark, svg

    marks = {}
    for pair in found.pairs:
        if pair.b and pair.kind in ("added", "changed", "replaced"):
            was = pair.kind == "replaced" and pair.a and f"was [{pair.a.layer.section}]"
            marks[pair.b.index] = Mark(pair.kind, was or ", ".join(map(_change_text, pair.changes)))
    gone = [pair.a for pair in found.pairs if pair.a and pair.kind == "removed"]
    notes = [f"[net] {_change_text(change)}" for change in found.net]
    for a in gone:
        notes.append(f"removed: layer {a.index} of A, [{a.layer.section}] {_keys_text(found.a, a.index)}")
    title = f"{Path(found.a.document.path).name} -> {Path(found.b.document.path).name}"
    return svg(found.b, title=title, marks=marks, notes=notes)


def diff_lines(found: GraphDiff) -> Iterator[str]:
    """The difference as text: the layers whose keys differ, those that only follow, and totals."""
    if found.same:
        yield f"the same network: {len(found.a)} layers"
        return
    yield from (f"[net] {_change_text(change)}" for change in found.net)
    if found.written_otherwise:
        yield "the same network, written in other sections"
    rows = [pair for pair in found.pairs if pair.kind not in ("same", "follows")]
    heads = [p for p in found.pairs if p.kind == "follows" and p.b and isinstance(p.b.layer, Head)]
    if rows or heads:
        yield HEAD
    for pair in found.pairs:
        if pair in rows or pair in heads:
            yield from _rows(found, pair)
    follow = [pair for pair in found.pairs if pair.kind == "follows"]
    same = sum(pair.kind == "same" for pair in found.pairs)
    where = _ranges([pair.b.index for pair in follow if pair.b])
    also = f"{len(follow)} have the same keys and differ in shape, cost or reach ({where} of B)"
    yield f"{same} layer{'s are' if same != 1 else ' is'} the same{f'; {also}' if follow else ''}"
    yield from _totals(found)


def _rows(found: GraphDiff, pair: Pair) -> Iterator[str]:
    """A layer in a line, or in two where its shape, cost or reach changes."""
    a, b = pair.a, pair.b
    node = b or a
    assert node is not None
    seen_a = found.fields[0][a.index] if a else None
    seen_b = found.fields[1][b.index] if b else None
    old = _figures(a, seen_a) if a else ""
    new = _figures(b, seen_b) if b else ""
    words = ", ".join(_change_text(change) for change in pair.changes)
    section = node.layer.section
    if pair.kind == "replaced":
        assert a is not None
        before, after = _keys_text(found.a, a.index), _keys_text(found.b, node.index)
        words = f"was [{a.layer.section}]" + (f" {before}; now {after}" if before != after else "")
    elif pair.kind == "added":
        words = _keys_text(found.b, node.index)
    numbers = f"{a.index if a else '':>3} {'->' if a and b else '  '} {b.index if b else '':>3}"
    sign = SIGNS[pair.kind]
    if a and b and old != new:
        name = section if pair.kind != "replaced" else a.layer.section
        yield f"{sign} {numbers}   {name:<14} {old}   before".rstrip()
        yield f"  {'':>10}   {section if pair.kind == 'replaced' else '':<14} {new}   {words}".rstrip()
    else:
        yield f"{sign} {numbers}   {section:<14} {new or old}   {words}".rstrip()


def _keys_text(graph: Graph, at: int) -> str:
    """A section's keys."""
    return ", ".join(f"{entry.key}={entry.value}" for entry in graph.document.sections[at + 1].entries)


def _figures(node: Node, seen: Field | None) -> str:
    assert seen is not None
    shape = f"{node.shape.channels:>6} x {node.shape.height:>4} x {node.shape.width:>4}"
    floats = f"{node.cost.parameters:,}" if node.cost.parameters else "-"
    bflops = f"{node.cost.bflops:.3f}" if node.cost.bflops else "-"
    reach = "x".join(dict.fromkeys(map(str, seen.reach)))
    return f"{shape:<26} {floats:>11} {bflops:>8} {reach:>6}"


def _change_text(change: Change) -> str:
    if change.before is None:
        return f"{change.key}={change.after}"
    if change.after is None:
        return f"no {change.key} ({change.before})"
    return f"{change.key} {change.before} -> {change.after}"


def _ranges(numbers: list[int]) -> str:
    """`3, 7-12`."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)


def _totals(found: GraphDiff) -> Iterator[str]:
    """What both are in all."""
    a, b = found.a, found.b
    yield ""
    yield f"{'':<10}{'A':>16}{'B':>16}"
    yield f"{'layers':<10}{len(a):>16}{len(b):>16}"
    rows = (
        ("floats", a.cost.parameters, b.cost.parameters, ",d"),
        ("BFLOPs", a.cost.bflops, b.cost.bflops, ".3f"),
        ("MiB maps", 4 * peak_floats(a) / 2**20, 4 * peak_floats(b) / 2**20, ".1f"),
    )
    for word, before, after, how in rows:
        share = f"{100 * (after - before) / before:+.1f} %" if before and before != after else ""
        yield f"{word:<10}{format(before, how):>16}{format(after, how):>16}{share:>10}".rstrip()
    fields = zip((a, b), found.fields, strict=True)
    widest = [
        " x ".join(str(max(seen[at].reach[axis] for at in graph.outputs)) for axis in (0, 1))
        for graph, seen in fields
    ]
    yield f"{'sees':<10}{widest[0]:>16}{widest[1]:>16}"


def diff_json(found: GraphDiff) -> dict[str, Any]:
    """The difference as JSON; its keys are stable."""
    return {
        "a": found.a.document.path,
        "b": found.b.document.path,
        "same": found.same,
        "written_otherwise": found.written_otherwise,
        "net": [_change_json(change) for change in found.net],
        "layers": [_pair_json(found, pair) for pair in found.pairs],
        "total": {"a": totals_as_json(found.a), "b": totals_as_json(found.b)},
    }


def _pair_json(found: GraphDiff, pair: Pair) -> dict[str, Any]:
    sides = ((pair.a, found.fields[0]), (pair.b, found.fields[1]))
    a, b = (_node_json(node, seen) if node else None for node, seen in sides)
    return {"kind": pair.kind, "a": a, "b": b, "changes": [_change_json(change) for change in pair.changes]}


def _node_json(node: Node, seen: list[Field]) -> dict[str, Any]:
    return {
        "index": node.index,
        "section": node.layer.section,
        "reads": list(node.inputs),
        "shape": [node.shape.channels, node.shape.height, node.shape.width],
        **cost_as_json(node.cost),
        "reach": list(seen[node.index].reach),
        "line": node.span.line,
    }


def _change_json(change: Change) -> dict[str, str | None]:
    return {"key": change.key, "a": change.before, "b": change.after}
