"""Random small cfgs, and random edits that change no shape; a layer is called `t` and its number."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from darknet_py.cfg.document import Document, parse
from darknet_py.cfg.edits import parse_edits
from darknet_py.cfg.sections import new_section
from darknet_py.edit.editing import Changes
from darknet_py.graph.compile import compile
from darknet_py.graph.graph import Graph, Node
from darknet_py.layers.heads.head import Head
from darknet_py.layers.pools.base import WindowPool

POOLS = ("maxpool", "local_avgpool", "stochpool", "softpool", "medianpool")
KEEPING = ("maxpool size={} stride=1", "dropout probability=0.{}", "local_avgpool size={} stride=1")
Shape = tuple[int, int]  # channels and side


class Writer:
    """A cfg being made up, layer by layer."""

    def __init__(self, draw: Random, *, ours: bool) -> None:
        self.draw, self.ours = draw, ours
        self.shapes: list[Shape | None] = []  # None of heads
        self.here: Shape = (3, draw.choice((16, 32)))
        self.lines = [f"# {draw.random()}", "[net]", f"width={self.here[1]}", f"height = {self.here[1]}"]
        self.lines += ["channels=3", ""]

    def add(self, section: str, *keys: str, shape: Shape | None) -> None:
        at, draw = len(self.shapes), self.draw
        body = [*keys, f"name={draw.choice(('', ' '))}t{at}"]
        if draw.random() < 0.2:
            body.insert(draw.randrange(len(body)), f"; inside {at}")
        if draw.random() < 0.3:
            self.lines += [f"# before {at}", *([""] if draw.random() < 0.5 else [])]
        self.lines += [f"[{section}]", *body, *([""] if draw.random() < 0.8 else [])]
        self.shapes.append(shape)
        self.here = shape or self.here

    def reference(self, to: int) -> str:
        at = len(self.shapes)
        return self.draw.choice((str(to), str(to - at), f"@t{to}", f" {to - at} "))

    def fitting(self, *, whole: bool) -> list[int]:
        """Layers whose maps have this one's sides, and channels too if `whole`."""
        found = [(i, s) for i, s in enumerate(self.shapes) if s]
        return [i for i, s in found if (s == self.here if whole else s[1] == self.here[1])]

    def layer(self) -> None:
        (channels, side), draw = self.here, self.draw
        kind = draw.choice("ccccmmprrsuudy" + ("yp" if self.ours else ""))
        if kind == "c":
            filters, step = draw.choice((4, 6, channels)), draw.choice((1, 1, 2)) if side >= 8 else 1
            keys = [f"filters={filters}", f"size={draw.choice((1, 3))}", f"stride = {step}", "pad=1"]
            keys += ["batch_normalize=1"] if draw.random() < 0.5 else []
            self.add("convolutional", *keys, "activation=leaky", shape=(filters, side // step))
        elif kind == "m" and side >= 8:
            self.add("maxpool", "size=2", "stride=2", shape=(channels, side // 2))
        elif kind in "mp" and self.shapes and channels <= 64:
            if kind == "p" and self.ours:
                sizes = draw.sample((3, 5, 7, 9), draw.choice((1, 2, 3)))
                shape = channels * (1 + len(sizes)), side
                self.add("spp", f"sizes={','.join(map(str, sizes))}", shape=shape)
            else:
                self.add("maxpool", f"size={draw.choice((2, 3, 5))}", "stride=1", shape=self.here)
        elif kind == "r" and (near := self.fitting(whole=False)) and channels <= 32:
            self.route(
                [len(self.shapes) - 1, draw.choice(near)] if draw.random() < 0.6 else [draw.choice(near)]
            )
        elif kind == "s" and self.shapes and (same := self.fitting(whole=True)):
            self.add(
                "shortcut", f"from={self.reference(draw.choice(same))}", "activation=linear", shape=self.here
            )
        elif kind == "u" and side <= 16 and self.shapes:
            self.add("upsample", "stride=2", shape=(channels, side * 2))
        elif kind == "d" and self.shapes:
            self.add("dropout", "probability=.2", shape=self.here)
        elif kind == "y" and self.shapes:
            self.head()

    def route(self, sources: list[int]) -> None:
        if any(self.shapes[i] is None for i in sources):
            return
        sources = sorted(set(sources), key=lambda _: self.draw.random())
        shapes = [s for i in sources if (s := self.shapes[i])]
        listed = ",".join(map(self.reference, sources))
        self.add("route", f"layers = {listed}", shape=(sum(c for c, _ in shapes), shapes[0][1]))

    def head(self) -> None:
        classes = self.draw.choice((1, 3))
        keys = (f"filters={2 * (5 + classes)}", "size=1", "stride=1", "pad=1", "activation=linear")
        back = len(self.shapes) - 1
        self.add("convolutional", *keys, shape=(2 * (5 + classes), self.here[1]))
        self.add("yolo", "mask=0,1", "anchors=4,6, 10,14", f"classes={classes}", "num=2", shape=None)
        if self.shapes[back]:
            self.route([back])


def random_cfg(draw: Random, *, ours: bool = True) -> Document:
    """A cfg that compiles.

    Args:
        ours: with sections that Darknet does not have.
    """
    writer = Writer(draw, ours=ours)
    wanted = draw.randrange(4, 16)
    while len(writer.shapes) < wanted:
        writer.layer()
    end = draw.choice(("\n", "\n", "\r\n"))
    return parse(end.join(writer.lines) + end, path="random.cfg")


def named(document: Document) -> Document:
    """A real cfg with a name for every layer."""
    lines = list(document.lines)
    for at, section in enumerate(document.sections[1:]):
        lines[section.span.line - 1] = lines[section.span.line - 1].rstrip() + f"\nname=t{at}\n"
    return parse("".join(lines), path=document.path)


def keeps_its_shape(node: Node) -> bool:
    """Whether the layer may go, and what reads it reads what it read first."""
    single = len(set(node.inputs)) == 1 or node.layer.section == "shortcut"
    return single and node.shape == node.maps[0] and not isinstance(node.layer, Head)


def random_changes(draw: Random, graph: Graph) -> Changes:
    """One to five edits that change no shape."""
    free = list(range(len(graph)))
    draw.shuffle(free)
    sets: list[str] = []
    inserts, replaces, deletes, expands = [], [], [], []
    for _ in range(draw.randrange(1, 6)):
        if not free:
            break
        kind, at = draw.choice("iiidddrse"), free.pop()
        node = graph[at]
        plain = isinstance(node.layer, WindowPool) and node.layer.stride == 1 and node.shape == node.maps[0]
        called = draw.choice((at, f"t{at}"))
        if kind == "i" and not isinstance(node.layer, Head):
            inserts.append((called, new_section(_keeping(draw, node))))
        elif kind == "d" and keeps_its_shape(node):
            deletes.append(called)
        elif kind == "r" and plain:
            replaces.append((called, new_section(draw.choice(POOLS))))
        elif kind == "s":
            sets.append(f"{called}.size={draw.choice((3, 7))}" if plain else f"{called}.learning_rate=0.5")
        elif kind == "e" and hasattr(node.layer, "in_sections") and -1 not in node.inputs:
            expands.append(called)
        elif kind == "i":
            inserts.append((None, new_section("convolutional filters=3 size=3 pad=1 activation=leaky")))
    edits = tuple(edit for text in sets for edit in parse_edits(text))
    return Changes(edits, tuple(inserts), tuple(replaces), tuple(deletes), tuple(expands))


def _keeping(draw: Random, node: Node) -> str:
    if draw.random() < 0.5:
        return draw.choice(KEEPING).format(draw.choice((3, 5)))
    return f"convolutional filters={node.shape.channels} size=3 stride=1 pad=1 activation=leaky"


def cases(seeds: range, *, ours: bool = True) -> Iterator[tuple[int, Document, Graph, Changes]]:
    """Random cfgs with random changes."""
    for seed in seeds:
        draw = Random(seed)
        document = random_cfg(draw, ours=ours)
        graph = compile(document)
        yield seed, document, graph, random_changes(draw, graph)
