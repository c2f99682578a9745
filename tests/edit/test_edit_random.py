"""Property. Oracle: names that the test gives to every layer, followed in the graphs before and after;
and OpenCV 4's importer, which reads the edited text by code of its own."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random

import cv2
import numpy as np
import pytest

from darknet_py.cfg.document import Document, read
from darknet_py.cfg.keys import keys_of
from darknet_py.edit.editing import Changes, apply_edits
from darknet_py.errors import UsageError
from darknet_py.graph.compile import compile
from darknet_py.graph.graph import Graph, Node
from darknet_py.graph.references import references
from darknet_py.layers.heads.head import Head
from tests.edit.random_edits import cases, named, random_cfg, random_changes
from tests.paths import ROOT, SHARED

REAL = [*sorted((ROOT / "cfg").rglob("*.cfg")), *sorted((SHARED / "zoo").glob("*yolo*.cfg"))]
SHORT, LONG, SLICE = 300, 10_000, 500
SLICES = [pytest.param(range(SHORT), id="short")] + [
    pytest.param(range(start, start + SLICE), id=f"{start}", marks=pytest.mark.soak)
    for start in range(0, LONG, SLICE)
]


def number(called: object) -> int:
    return int(str(called).removeprefix("t"))


def by_name(graph: Graph) -> dict[int, int]:
    """Where the layers that have a name stand."""
    return {number(node.layer.name): node.index for node in graph if node.layer.name}


class Before:
    """The cfg as given, and what the test expects to become of its layers."""

    def __init__(self, document: Document, graph: Graph, changes: Changes) -> None:
        self.graph = graph
        self.gone = {number(one) for one in changes.deletes}
        self.expanded = {number(one) for one in changes.expands or ()}
        self.touched = {number(edit.layer) for edit in changes.sets}
        self.touched |= {number(one) for one, _ in changes.replaces}
        names = {f"t{at}": at for at in range(len(graph))}
        self.far = {  # layers that a section names, but for -1
            at: {item.layer(at, names) for item in references(document, at + 1) if item.text != "-1"}
            for at in range(len(graph))
        }

    def origin(self, at: int) -> int:
        """The layer that is read in the place of this one: the first that stays."""
        while at in self.gone:
            at = self.graph[at].inputs[0]
        return at


def check(before: Before, after: Graph) -> None:
    """The untouched part is the same graph with the same shapes."""
    places = by_name(after)
    names = {place: name for name, place in places.items()}

    def origin(at: int) -> int:
        while at >= 0 and at not in names:
            at = after[at].inputs[0]
        return names.get(at, -1)

    assert set(places) == set(range(len(before.graph))) - before.gone
    assert [places[at] for at in sorted(places)] == sorted(places.values()), "the order stays"
    for at, place in places.items():
        old, new = before.graph[at], after[place]
        assert new.shape == old.shape, at
        was, now = [before.origin(i) for i in old.inputs], [origin(i) for i in new.inputs]
        if at in before.expanded:
            assert set(was) == set(now)
            continue
        assert was == now, at
        for source, direct in zip(old.inputs, new.inputs, strict=True):
            if source in before.far[at] and source != at - 1:
                assert direct in names, f"{at} names {source}, and reads a new layer"
        if at not in before.touched:
            assert said(new) == said(old), at


def said(node: Node) -> object:
    """A layer without its references."""
    blank = {field: () for field, key in keys_of(type(node.layer)).items() if key.refers}
    return replace(node.layer, **blank)


def comments(document: Document, *, of: frozenset[int]) -> list[str]:
    """All comment lines, but for those inside the sections of some layers."""
    return [
        line.strip()
        for line in document.lines
        if line.strip()[:1] in ("#", ";") and not any(line.strip() == f"; inside {at}" for at in of)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("seeds", SLICES)
def test_the_untouched_part_of_a_network_stays_as_it_is(seeds: range) -> None:
    outcome: Counter[str] = Counter()
    for seed, document, graph, changes in cases(seeds):
        if changes == Changes():
            continue
        try:
            edited = apply_edits(document, changes)
        except UsageError as error:
            why = re.search("another map|the image|no one map", str(error))
            outcome[why.group() if why else f"{seed}: {error}"] += 1
            continue
        outcome["done"] += 1
        before = Before(document, graph, changes)
        after = compile(edited.document)
        check(before, after)
        bodies = before.gone | before.expanded
        assert comments(edited.document, of=frozenset()) == comments(document, of=frozenset(bodies)), seed
        if seed % 5 == 0:
            numbers = apply_edits(document, replace(changes, plain=True)).document
            assert "@" not in str(numbers)
            assert [n.inputs for n in compile(numbers)] == [n.inputs for n in after], seed
    assert outcome.keys() <= {"done", "another map", "the image", "no one map"}
    assert outcome["done"] > 0.75 * outcome.total()


@pytest.mark.slow
@pytest.mark.parametrize("path", REAL, ids=lambda p: p.stem)
def test_the_untouched_part_of_a_real_network_stays_as_it_is(path: Path) -> None:
    document = named(read(path))
    try:
        graph = compile(document)
    except Exception:
        pytest.skip("this cfg is refused as it is")
    done = 0
    for seed in range(5):
        changes = random_changes(Random(seed), graph)
        changes = replace(changes, expands=())
        try:
            after = compile(apply_edits(document, changes).document)
        except UsageError:
            continue
        check(Before(document, graph, changes), after)
        done += 1
    assert done


# OpenCV reads the same text.

KINDS = (
    "leaky_{1}",
    "conv_{0}",
    "pool_{0}",
    "identity_{0}",
    "concat_{0}",
    "upsample_{0}",
    "shortcut_{0}",
    "dropout_{0}",
)


def opencv_shapes(text: str, graph: Graph) -> dict[str, list[list[int]]]:
    weights = np.zeros(20 + 4 * graph.cost.parameters, np.uint8)
    weights[4] = 2  # version 0.2.0: a header of 20 bytes
    network = cv2.dnn.readNetFromDarknet(np.frombuffer(text.encode(), np.uint8), weights)
    ids, _, outs = network.getLayersShapes([1, 3, graph.net.height, graph.net.width])
    found = {}
    for one, out in zip(ids, outs, strict=True):
        found[network.getLayer(int(one)).name] = [list(map(int, shape)) for shape in out]
    return found


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(cv2.dnn, "readNetFromDarknet"), reason="OpenCV 5 no longer imports Darknet")
@pytest.mark.parametrize("seeds", SLICES)
def test_opencv_reads_the_edited_text_with_the_same_shapes(seeds: range) -> None:
    compared = 0
    for seed, document, _, changes in cases(seeds):
        own = [one.section for _, one in (*changes.inserts, *changes.replaces)]
        if set(own) - {"maxpool", "dropout", "convolutional"}:
            changes = replace(changes, replaces=(), inserts=())
        try:
            edited = apply_edits(document, replace(changes, expands=None, plain=True)).document
        except UsageError:
            continue
        graph = compile(edited)
        if any(node.layer.section == "spp" for node in graph):
            continue  # it reads the image, or has a learning rate of its own: Darknet cannot say it
        if graph[0].layer.section == "dropout":
            continue  # OpenCV's importer looks for the layer before it, and fails
        shapes = opencv_shapes(str(edited), graph)
        for node in graph:
            names = [name for kind in KINDS if (name := kind.format(node.index, node.index + 1)) in shapes]
            if not isinstance(node.layer, Head) and names:
                expected = [[1, node.shape.channels, node.shape.height, node.shape.width]]
                name = names[0] if getattr(node.layer, "activation", "leaky") == "leaky" else names[-1]
                assert shapes[name][:1] == expected, (seed, node.name)
                compared += 1
    assert compared > 3 * len(seeds)


# Round trips.


@pytest.mark.slow
@pytest.mark.parametrize("seeds", SLICES)
def test_what_is_expanded_folds_back(seeds: range) -> None:
    folded = 0
    for seed, document, graph, _ in cases(seeds):
        expanded = apply_edits(document, Changes(expands=None)).document
        back = apply_edits(expanded, Changes(folds=None)).document
        assert [(n.layer.section, n.inputs, n.shape) for n in compile(back)] == [
            (n.layer.section, n.inputs, n.shape) for n in graph
        ] or -1 in {i for n in graph if hasattr(n.layer, "in_sections") for i in n.inputs}, seed
        assert sum(n.cost.others for n in compile(expanded)) == graph.cost.others
        folded += str(expanded) != str(document)
    assert folded > 0.2 * len(seeds)


@pytest.mark.slow
@pytest.mark.parametrize("seeds", SLICES)
def test_an_edit_and_its_inverse_give_the_same_bytes(seeds: range) -> None:
    for seed in seeds:
        draw = Random(seed)
        document = random_cfg(draw)
        graph = compile(document)
        node = draw.choice([node for node in graph if not isinstance(node.layer, Head)])
        there = apply_edits(document, Changes(inserts=((node.index, _dropout(node)),)))
        (new,) = there.new
        back = apply_edits(there.document, Changes(deletes=(new,)))
        assert str(back.document) == str(document), seed


def _dropout(node: Node) -> object:
    from darknet_py.cfg.sections import new_section

    return new_section("dropout probability=.3")
