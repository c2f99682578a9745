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
class Place:
    """A box on the page; `floor` is where the highest box of its rank ends."""

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
    """The picture as text.

    Args:
        marks: for a layer how it differs from another network's.
        notes: lines under the title.
    """
    marks = marks or {}
    found = boxes(graph, marks)
    plan, seen = layout(found), fields(graph)
    texts = [list(_texts(graph, box, seen, marks)) for box in found]
    places, lanes, (width, height) = _places(plan, texts, top=TOP + 15 * len(notes))
    size = f'width="{max(width, LEAST_WIDE):.0f}" height="{height:.0f}"'
    read = {wire.source for wire in plan.wires}
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}><style>{STYLE}</style>',
        f'<defs><marker {TIP}><path d="M0 0L8 4L0 8z" fill="#6b6b6b"/></marker></defs>',
        f'<rect {size} fill="white"/>',
        *_head(graph, title or PurePath(graph.document.path).name, notes, marks),
        *(_wire(wire, plan, places, lanes, found[wire.target]) for wire in plan.wires),
        *(_via(wire, plan, places) for wire in plan.wires if wire.line.via),
    ]
    for number, box in enumerate(found):
        parts += _box(box, places[number], texts[number], _mark(box, marks))
        if number in read:
            parts.append(_size(graph, box, places[number]))
    return "\n".join([*parts, "</svg>", ""])


def _places(
    plan: Layout, texts: Sequence[Sequence[Any]], *, top: float
) -> tuple[list[Place], dict[tuple[int, int], float], tuple[float, float]]:
    """Places of boxes, x of lanes, and the size of the page."""
    high = [0.0] * (max(plan.ranks) + 1)
    for number, rank in enumerate(plan.ranks):
        high[rank] = max(high[rank], 10 + LINE * len(texts[number]))
    y, tops = top, []
    for one in high:
        tops.append(y)
        y += one + GAP
    x, left, lanes = float(MARGIN), dict[int, float](), dict[tuple[int, int], float]()
    for column in range(-1, max(plan.columns) + 1):
        if column >= 0:
            left[column] = x
            x += WIDE
        count = plan.lanes.get(column, 0)
        for lane in range(count):
            lanes[column, lane] = x + GUTTER / 2 + LANE * lane
        x += (GUTTER + LANE * max(0, count - 1)) if column >= 0 or count else 0
    places = [
        Place(left[plan.columns[n]], tops[rank], 10 + LINE * len(texts[n]), tops[rank] + high[rank])
        for n, rank in enumerate(plan.ranks)
    ]
    return places, lanes, (x + MARGIN, y)


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
        yield from (("", said) for said in [", ".join(_said(graph, first))] if said)
    else:
        yield "name", f"{first.index} to {box.last}: {box.times} times"
        yield from (("", f"{n.layer.section} {', '.join(_said(graph, n)[:2])}") for n in box.nodes)
    if mark and mark.words:
        yield "name", mark.words
    reach = " x ".join(dict.fromkeys(map(str, seen[box.last].reach)))
    bflops = box.times * sum(node.cost.bflops for node in box.nodes)
    yield "small", f"sees {reach}" + (f", {bflops:.3f} BFLOPs" if bflops >= LEAST_BFLOPS else "")


def _mark(box: Box, marks: Mapping[int, Mark]) -> Mark | None:
    return marks.get(box.nodes[0].index) if box.nodes else None


def _said(graph: Graph, node: Node) -> list[str]:
    """What a reader asks first: window and step, channels, function; else the keys as they stand."""
    layer: Any = node.layer
    if isinstance(layer, Head):
        return [f"{layer.classes} classes"]
    if size := getattr(layer, "size", 0):
        steps = dict.fromkeys((getattr(layer, "stride_y", 1), getattr(layer, "stride_x", 1)))
        step = "x".join(map(str, steps))
        words = [f"{size} x {size}" + (f" / {step}" if step != "1" else "")]
        words += [f"{layer.filters} filters"] if hasattr(layer, "filters") else []
        activation = getattr(layer, "activation", "linear")
        return words + ([activation] if activation != "linear" else [])
    entries = graph.document.sections[node.index + 1].entries
    return [f"{entry.key} {quoted(entry.value, limit=24)}" for entry in entries if entry.value != "linear"]


def _kind(node: Node) -> str:
    layer = node.layer
    if isinstance(layer, Head):
        return "head"
    if is_pool(layer.section):
        return "pool"
    if len(node.inputs) > 1 or layer.section in ("route", "shortcut"):
        return "join"
    return "convolutional" if layer.section == "convolutional" else "other"


def _box(box: Box, place: Place, texts: Sequence[tuple[str, str]], mark: Mark | None) -> Iterator[str]:
    kinds = [_kind(node) for node in box.nodes]
    fill, stroke, _ = KINDS["pool" if "pool" in kinds else (kinds or ["other"])[0]]
    colour, thick = (MARKS[mark.kind], 3.0) if mark else (stroke, 1.2)
    yield f"<g><title>{escape(_tooltip(box))}</title>"
    for behind in (BEHIND, BEHIND / 2) if box.times > 1 else ():
        yield _rect(place.x + behind, place.y - behind, place.high, fill, stroke, 1)
    yield _rect(place.x, place.y, place.high, fill, colour, thick)
    for number, (style, text) in enumerate(texts):
        y = place.y + 16 + LINE * number
        yield f'<text class="{style}" x="{place.x + 9:.0f}" y="{y:.0f}">{escape(text[:MOST])}</text>'
    if mark:
        at = f'x="{place.x + WIDE - 8:.0f}" y="{place.y + 16:.0f}" text-anchor="end"'
        yield f'<text class="name" {at} style="fill:{MARKS[mark.kind]}">{mark.kind}</text>'
    yield "</g>"


def _size(graph: Graph, box: Box, place: Place) -> str:
    """The map on the lines that leave a box."""
    shape = graph[box.last].shape if box.nodes else graph.image
    at = f'x="{place.middle + 6:.0f}" y="{place.y + place.high + 12:.0f}" {HALO}'
    return f'<text class="size" {at}>{shape}</text>'


def _tooltip(box: Box) -> str:
    if not box.nodes:
        return "the input"
    reads = sorted({i for node in box.nodes for i in node.inputs})
    return f"{box.nodes[0].name}; reads {', '.join('the image' if i < 0 else str(i) for i in reads)}"


def _rect(x: float, y: float, high: float, fill: str, stroke: str, thick: float) -> str:
    return (
        f'<rect x="{x:.0f}" y="{y:.0f}" width="{WIDE}" height="{high:.0f}" rx="5" fill="{fill}" '
        f'stroke="{stroke}" stroke-width="{thick}"/>'
    )


def _wire(
    wire: Wire, plan: Layout, places: Sequence[Place], lanes: Mapping[tuple[int, int], float], box: Box
) -> str:
    """Down, across, down, across, down."""
    source, target = places[wire.source], places[wire.target]
    start, end = source.y + source.high, target.y - (BEHIND if box.times > 1 else 0)
    enter, upper, lower = _entry(wire, plan, places), source.floor + 17, target.y - 11
    x = source.middle if plan.columns[wire.source] == wire.gutter else enter
    x = x if wire.lane is None else lanes[wire.gutter, wire.lane]
    path = f"M{source.middle:.0f} {start:.0f}V{upper:.0f}H{x:.0f}V{lower:.0f}H{enter:.0f}V{end - 1:.0f}"
    return f'<path class="wire" d="{path}" marker-end="url(#tip)"/>'


def _entry(wire: Wire, plan: Layout, places: Sequence[Place]) -> float:
    """Where a line enters its box: beside each other, in the order of where they come from."""
    into = [other for other in plan.wires if other.target == wire.target]
    order = sorted(into, key=lambda other: (_from(other, plan), plan.ranks[other.source]))
    middle = (len(order) - 1) / 2
    return places[wire.target].middle + 18 * (order.index(wire) - middle)


def _from(wire: Wire, plan: Layout) -> float:
    return wire.gutter + 0.5 if wire.lane is not None else float(wire.gutter)


def _via(wire: Wire, plan: Layout, places: Sequence[Place]) -> str:
    """The routes that a line stands for."""
    target, enter = places[wire.target], _entry(wire, plan, places)
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
