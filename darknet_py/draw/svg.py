"""A graph as SVG: text in boxes, sizes on the lines, pools and heads in colours of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import PurePath
from typing import Any

from darknet_py.arithmetic.field import Field
from darknet_py.draw.blocks import Box, boxes
from darknet_py.draw.layout import Layout, Wire, layout
from darknet_py.errors import quoted
from darknet_py.graph.graph import Graph, Node
from darknet_py.graph.reach import fields, widest
from darknet_py.layers.cards import is_pool
from darknet_py.layers.heads.head import Head

WIDE, LINE, GAP, LANE, GUTTER, MARGIN, TOP = 196, 15, 44, 13, 26, 24, 84  # pixels
LEAST_WIDE, BEHIND, MOST = 560, 6, 36  # pixels, pixels, characters of a line in a box
LEAST_BFLOPS = 0.0005  # less is 0.000
KINDS = {  # kind of a layer: fill, stroke, word of the legend
    "convolutional": ("#e7eefb", "#5378b5", "convolution"),
    "pool": ("#ffd89b", "#c46f00", "pool"),
    "head": ("#cdeac9", "#2f7d32", "head"),
    "join": ("#ece6f5", "#7a5aa6", "route, shortcut"),
    "other": ("#f3f3f3", "#777777", "other"),
}
MARKS = {"added": "#1a8f3c", "changed": "#d0006f", "replaced": "#d0006f"}
STYLE = (
    "text{font-family:Helvetica,Arial,sans-serif;font-size:11px;fill:#1d1d1d}"
    ".name{font-weight:bold}.small{font-size:10px;fill:#555}.size{font-size:10px;fill:#8a3b00}"
    ".via{font-size:9px;fill:#7a5aa6;paint-order:stroke;stroke:#fff;stroke-width:3px}.title{font-size:17px;font-weight:bold}"
    ".wire{fill:none;stroke:#6b6b6b;stroke-width:1.3}"
)
TIP = (
    'id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto" '
    'markerUnits="userSpaceOnUse"'
)
HALO = 'paint-order="stroke" stroke="white" stroke-width="3"'


@dataclass(frozen=True)
class Mark:
    """How a layer differs from another network's: a word of MARKS, and what is different."""

    kind: str
    words: str = ""


@dataclass(frozen=True)
class BoxPosition:
    """Where a box lies on the page, in pixels; `floor` is the lower end of the highest box of its rank."""

    x: float
    y: float
    high: float
    floor: float

    @property
    def middle(self) -> float:
        """Where lines enter and leave."""
        return self.x + WIDE / 2


def svg(
    graph: Graph, *, title: str = "", marks: Mapping[int, Mark] | None = None, notes: Sequence[str] = ()
) -> str:
    """The picture as SVG text.

    Args:
        marks: for a layer, how it differs from another network's.
        notes: lines under the title.
    """
    marks = marks or {}
    found = boxes(graph, marks)
    arranged, seen = layout(found), fields(graph)
    texts = [list(_texts(graph, box, seen, marks)) for box in found]
    positions, lanes, (width, height) = _positions(arranged, texts, top=TOP + 15 * len(notes))
    size = f'width="{max(width, LEAST_WIDE):.0f}" height="{height:.0f}"'
    read = {wire.source for wire in arranged.wires}
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}><style>{STYLE}</style>',
        f'<defs><marker {TIP}><path d="M0 0L8 4L0 8z" fill="#6b6b6b"/></marker></defs>',
        f'<rect {size} fill="white"/>',
        *_head(graph, title or PurePath(graph.document.path).name, notes, marks),
        *(_wire(wire, arranged, positions, lanes, found[wire.target]) for wire in arranged.wires),
        *(_via(wire, arranged, positions) for wire in arranged.wires if wire.line.via),
    ]
    for number, box in enumerate(found):
        parts += _box(box, positions[number], texts[number], _mark(box, marks))
        if number in read:  # the map's size, on the lines that leave the box
            x, y = positions[number].middle + 6, positions[number].y + positions[number].high + 12
            shape = graph[box.last].shape if box.nodes else graph.image
            parts.append(f'<text class="size" x="{x:.0f}" y="{y:.0f}" {HALO}>{shape}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _positions(
    arranged: Layout, texts: Sequence[Sequence[Any]], *, top: float
) -> tuple[list[BoxPosition], dict[tuple[int, int], float], tuple[float, float]]:
    """Positions of boxes, x of lanes, and the size of the page."""
    high = [0.0] * (max(arranged.ranks) + 1)
    for number, rank in enumerate(arranged.ranks):
        high[rank] = max(high[rank], 10 + LINE * len(texts[number]))
    y, tops = top, []
    for one in high:
        tops.append(y)
        y += one + GAP
    x, left, lanes = float(MARGIN), dict[int, float](), dict[tuple[int, int], float]()
    for column in range(-1, max(arranged.columns) + 1):
        if column >= 0:
            left[column] = x
            x += WIDE
        count = arranged.lanes.get(column, 0)
        for lane in range(count):
            lanes[column, lane] = x + GUTTER / 2 + LANE * lane
        x += (GUTTER + LANE * max(0, count - 1)) if column >= 0 or count else 0
    positions = [
        BoxPosition(left[arranged.columns[n]], tops[rank], 10 + LINE * len(texts[n]), tops[rank] + high[rank])
        for n, rank in enumerate(arranged.ranks)
    ]
    return positions, lanes, (x + MARGIN, y)


def _texts(
    graph: Graph, box: Box, seen: Sequence[Field], marks: Mapping[int, Mark]
) -> Iterator[tuple[str, str]]:
    """The lines of a box: class and text."""
    if not box.nodes:
        yield "name", "image"
        return
    first, mark = box.nodes[0], _mark(box, marks)
    if box.last == first.index:
        yield "name", f"{first.index}  {first.layer.section}"
        yield from (("", text) for text in [", ".join(_key_figures(graph, first))] if text)
    else:
        yield "name", f"{first.index} to {box.last}: {box.times} times"
        yield from (("", f"{n.layer.section} {', '.join(_key_figures(graph, n)[:2])}") for n in box.nodes)
    if mark and mark.words:
        yield "name", mark.words
    reach = " x ".join(dict.fromkeys(map(str, seen[box.last].reach)))
    bflops = box.times * sum(node.cost.bflops for node in box.nodes)
    yield "small", f"sees {reach}" + (f", {bflops:.3f} BFLOPs" if bflops >= LEAST_BFLOPS else "")


def _mark(box: Box, marks: Mapping[int, Mark]) -> Mark | None:
    return marks.get(box.nodes[0].index) if box.nodes else None


def _key_figures(graph: Graph, node: Node) -> list[str]:
    """The main facts of a layer: window and stride, filters, activation; else its keys as written."""
    layer = node.layer
    if isinstance(layer, Head):
        return [f"{layer.classes} classes"]
    if size := getattr(layer, "size", 0):
        steps = dict.fromkeys((getattr(layer, "stride_y", 1), getattr(layer, "stride_x", 1)))
        step = "x".join(map(str, steps))
        words = [f"{size} x {size}" + (f" / {step}" if step != "1" else "")]
        words += [f"{filters} filters"] if (filters := getattr(layer, "filters", 0)) else []
        activation = getattr(layer, "activation", "linear")
        return words + ([activation] if activation != "linear" else [])
    entries = graph.document.sections[node.index + 1].entries
    return [f"{entry.key} {quoted(entry.value, limit=24)}" for entry in entries if entry.value != "linear"]


def _kind(node: Node) -> str:
    layer = node.layer
    if is_pool(layer.section):
        return "pool"
    return "join" if layer.category == "other" and len(node.inputs) > 1 else layer.category


def _box(
    box: Box, position: BoxPosition, texts: Sequence[tuple[str, str]], mark: Mark | None
) -> Iterator[str]:
    kinds = [_kind(node) for node in box.nodes]
    fill, stroke, _ = KINDS["pool" if "pool" in kinds else (kinds or ["other"])[0]]
    colour, thick = (MARKS[mark.kind], 3.0) if mark else (stroke, 1.2)
    inputs = sorted({i for node in box.nodes for i in node.inputs})
    sources = ", ".join("the image" if i < 0 else str(i) for i in inputs)
    tooltip = f"{box.nodes[0].name}; reads {sources}" if box.nodes else "the input"
    yield f"<g><title>{escape(tooltip)}</title>"
    for behind in (BEHIND, BEHIND / 2) if box.times > 1 else ():
        yield _rect(position.x + behind, position.y - behind, position.high, fill, stroke, 1)
    yield _rect(position.x, position.y, position.high, fill, colour, thick)
    for number, (style, text) in enumerate(texts):
        y = position.y + 16 + LINE * number
        yield f'<text class="{style}" x="{position.x + 9:.0f}" y="{y:.0f}">{escape(text[:MOST])}</text>'
    if mark:
        at = f'x="{position.x + WIDE - 8:.0f}" y="{position.y + 16:.0f}" text-anchor="end"'
        yield f'<text class="name" {at} style="fill:{MARKS[mark.kind]}">{mark.kind}</text>'
    yield "</g>"


def _rect(x: float, y: float, high: float, fill: str, stroke: str, thick: float) -> str:
    return (
        f'<rect x="{x:.0f}" y="{y:.0f}" width="{WIDE}" height="{high:.0f}" rx="5" fill="{fill}" '
        f'stroke="{stroke}" stroke-width="{thick}"/>'
    )


def _wire(
    wire: Wire,
    arranged: Layout,
    positions: Sequence[BoxPosition],
    lanes: Mapping[tuple[int, int], float],
    box: Box,
) -> str:
    """Down, across, down, across, down."""
    source, target = positions[wire.source], positions[wire.target]
    start, end = source.y + source.high, target.y - (BEHIND if box.times > 1 else 0)
    enter, upper, lower = _entry(wire, arranged, positions), source.floor + 17, target.y - 11
    x = source.middle if arranged.columns[wire.source] == wire.gutter else enter
    x = x if wire.lane is None else lanes[wire.gutter, wire.lane]
    path = f"M{source.middle:.0f} {start:.0f}V{upper:.0f}H{x:.0f}V{lower:.0f}H{enter:.0f}V{end - 1:.0f}"
    return f'<path class="wire" d="{path}" marker-end="url(#tip)"/>'


def _entry(wire: Wire, arranged: Layout, positions: Sequence[BoxPosition]) -> float:
    """The x at which a line enters its box; lines are ordered by where they come from."""
    into = [other for other in arranged.wires if other.target == wire.target]
    order = sorted(
        into, key=lambda other: (other.gutter + 0.5 * (other.lane is not None), arranged.ranks[other.source])
    )
    middle = (len(order) - 1) / 2
    return positions[wire.target].middle + 18 * (order.index(wire) - middle)


def _via(wire: Wire, arranged: Layout, positions: Sequence[BoxPosition]) -> str:
    """The routes that a line stands for."""
    target, enter = positions[wire.target], _entry(wire, arranged, positions)
    routes = ", ".join(map(str, wire.line.via))
    right = enter >= target.middle
    x, anchor = (enter + 9, "start") if right else (enter - 9, "end")
    at = f'x="{x:.0f}" y="{target.y - 4:.0f}" text-anchor="{anchor}" {HALO}'
    return f'<text class="via" {at}>route {routes}</text>'


def _head(graph: Graph, title: str, notes: Sequence[str], marks: Mapping[int, Mark]) -> Iterator[str]:
    cost, sees = graph.cost, " x ".join(map(str, widest(graph)))
    yield f'<text class="title" x="{MARGIN}" y="28">{escape(title)}</text>'
    total = f"{len(graph)} layers, {cost.parameters:,} floats, {cost.bflops:.3f} BFLOPs, sees {sees} pixels"
    yield f'<text x="{MARGIN}" y="46">{escape(total)}</text>'
    x = MARGIN
    legend = [(fill, stroke, word) for fill, stroke, word in KINDS.values()]
    kinds = dict.fromkeys(mark.kind for mark in marks.values())
    legend += [("white", MARKS[kind], kind) for kind in kinds]
    for fill, stroke, word in legend:
        colours = f'fill="{fill}" stroke="{stroke}" stroke-width="1.6"'
        yield f'<rect x="{x}" y="56" width="14" height="11" rx="2" {colours}/>'
        yield f'<text class="small" x="{x + 19}" y="65">{word}</text>'
        x += 34 + 6 * len(word)
    for number, note in enumerate(notes):
        yield f'<text class="small" x="{MARGIN}" y="{82 + 15 * number}">{escape(note)}</text>'
