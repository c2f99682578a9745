"""Property. Oracle: edits whose effect is known, and Darknet's own sections for a pyramid."""

from __future__ import annotations

from pathlib import Path

import pytest

from darknet_py.cfg.document import read
from darknet_py.cfg.sections import new_section
from darknet_py.cli.diff import diff_lines, variant
from darknet_py.edit.diff import GraphDiff
from darknet_py.edit.editing import Changes, apply_edits
from darknet_py.graph.compile import compile
from darknet_py.graph.graph import Graph
from tests.edit.random_edits import cases
from tests.paths import ROOT

OWN = sorted((ROOT / "cfg").rglob("*.cfg"))


def edited(name: str, **changes: object) -> Graph:
    return compile(apply_edits(read(ROOT / "cfg" / name), Changes(**changes)).document)  # type: ignore[arg-type]


@pytest.mark.parametrize("path", OWN, ids=lambda p: p.stem)
def test_a_network_is_the_same_as_itself(path: Path) -> None:
    graph = compile(read(path))
    found = GraphDiff(graph, graph)
    assert found.same
    assert found.places == {node.index: node.index for node in graph}
    assert list(diff_lines(found)) == [f"the same network: {len(graph)} layers"]


def test_one_key_is_one_change_and_what_follows_is_told_apart() -> None:
    found = GraphDiff(variant("yolov3-spp"), variant("yolov3-spp@82.size=19"))
    (pair,) = [pair for pair in found.pairs if pair.kind == "changed"]
    assert (pair.a.index, pair.b.index) == (82, 82)
    assert [(c.key, c.before, c.after) for c in pair.changes] == [("size", "13", "19")]
    assert {pair.kind for pair in found.pairs} == {"same", "changed", "follows"}
    assert {p.b.index for p in found.pairs if p.kind == "follows"} == set(range(83, 114))


@pytest.mark.slow
@pytest.mark.parametrize("after", [0, 5, 36, 78, 83, 105])
def test_a_layer_that_is_put_in_is_found_and_no_other_moves(after: int) -> None:
    old = edited("yolov3-spp.cfg", plain=True)
    new = edited("yolov3-spp.cfg", inserts=((after, new_section("softpool size=3 stride=1")),))
    found = GraphDiff(old, new)
    assert [(p.b.index, p.b.layer.section) for p in found.pairs if p.kind == "added"] == [
        (after + 1, "softpool")
    ]
    assert not [pair for pair in found.pairs if pair.kind in ("removed", "replaced", "changed")]
    assert found.places == {at: at + (at > after) for at in range(len(old))}
    back = GraphDiff(new, old)
    assert [pair.a.index for pair in back.pairs if pair.kind == "removed"] == [after + 1]


def test_another_kind_in_the_same_place_is_a_replacement() -> None:
    found = GraphDiff(variant("yolov3-tiny"), variant("yolov3-tiny@11.section=stochpool"))
    assert [(p.kind, p.a.index, p.b.index) for p in found.pairs if p.kind not in ("same", "follows")] == [
        ("replaced", 11, 11)
    ]


def test_a_reference_to_another_layer_is_a_change_and_a_renumbered_one_is_none() -> None:
    found = GraphDiff(variant("yolov3"), variant("yolov3@86.layers=-1,60"))
    (pair,) = [pair for pair in found.pairs if pair.kind == "changed"]
    assert [(c.key, c.before, c.after) for c in pair.changes] == [("layers", "85,61", "85,60")]


def test_keys_of_net_are_told() -> None:
    found = GraphDiff(variant("yolov3-tiny"), variant("yolov3-tiny@net.width=608"))
    assert [(c.key, c.before, c.after) for c in found.net] == [("width", "416", "608")]
    assert {pair.kind for pair in found.pairs} == {"follows"}


def test_a_pyramid_and_its_sections_are_one_network() -> None:
    found = GraphDiff(variant("yolov3-spp"), edited("yolov3-spp.cfg", folds=None))
    assert not found.same
    assert found.written_otherwise
    assert next(diff_lines(found)) == "the same network, written in other sections"
    assert not GraphDiff(
        variant("yolov3-spp@82.size=19"), edited("yolov3-spp.cfg", folds=None)
    ).written_otherwise


def test_random_edits_are_found_in_number() -> None:
    """As many layers more or less as were put in or taken out, and every pair in order."""
    for _, document, graph, changes in cases(range(60)):
        only = Changes(inserts=changes.inserts[:1])
        if not only.inserts:
            continue
        new = compile(apply_edits(document, only).document)
        found = GraphDiff(graph, new)
        kinds = [pair.kind for pair in found.pairs]
        assert kinds.count("added") - kinds.count("removed") == len(new) - len(graph)
        assert [p.a.index for p in found.pairs if p.a] == list(range(len(graph)))
        assert [p.b.index for p in found.pairs if p.b] == list(range(len(new)))
        assert kinds.count("added") == 1, kinds
