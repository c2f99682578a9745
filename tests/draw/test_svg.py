"""Property. Oracle: the geometry of the picture, read back from its SVG, and the graph it shows."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest

from darknet_py.__main__ import main
from darknet_py.cfg.document import parse, read
from darknet_py.cfg.shipped import folder
from darknet_py.draw.blocks import boxes
from darknet_py.draw.svg import WIDE, Mark, svg
from darknet_py.graph.compile import compile
from darknet_py.graph.graph import Graph
from tests.paths import ROOT

SPACE = "{http://www.w3.org/2000/svg}"
CFGS = sorted(folder().rglob("*.cfg"))
Rect = tuple[float, float, float, float]


def graph_of(name: str) -> Graph:
    return compile(read(folder() / f"{name}.cfg"))


def rectangles(text: str) -> list[Rect]:
    """Left, top, right, bottom of every box, the topmost of a pile."""
    groups = ElementTree.fromstring(text).iter(f"{SPACE}g")
    last = [group.findall(f"{SPACE}rect")[-1] for group in groups]
    sides = [[float(one.get(key, "")) for key in ("x", "y", "width", "height")] for one in last]
    return [(x, y, x + wide, y + high) for x, y, wide, high in sides]


def segments(text: str) -> list[Rect]:
    """Every straight piece of every line, from its lesser to its greater ends."""
    found = []
    for path in ElementTree.fromstring(text).iter(f"{SPACE}path"):
        if path.get("class") == "wire":
            start, *moves = re.findall(r"[MVH][\d. ]+", path.get("d", ""))
            x, y = map(float, start[1:].split())
            for move in moves:
                to = float(move[1:])
                new = (x, to) if move[0] == "V" else (to, y)
                found.append((min(x, new[0]), min(y, new[1]), max(x, new[0]), max(y, new[1])))
                x, y = new
    return found


def crosses(one: Rect, box: Rect) -> bool:
    return one[0] < box[2] - 1 and one[2] > box[0] + 1 and one[1] < box[3] - 1 and one[3] > box[1] + 1


@pytest.mark.parametrize("path", CFGS, ids=lambda path: path.stem)
def test_no_box_lies_on_another_and_no_line_runs_through_a_box(path: Path) -> None:
    text = svg(compile(read(path)))
    found = rectangles(text)
    assert {right - left for left, _, right, _ in found} == {WIDE}
    assert not any(crosses(one, other) for one, other in combinations(found, 2))
    assert not [(line, box) for line in segments(text) for box in found if crosses(line, box)]


@pytest.mark.parametrize("path", CFGS, ids=lambda path: path.stem)
def test_every_layer_is_in_one_box_or_on_a_line(path: Path) -> None:
    graph = compile(read(path))
    found = boxes(graph, {})
    drawn = [index for box in found if box.nodes for index in range(box.nodes[0].index, box.last + 1)]
    passed = {index for box in found for line in box.lines for index in line.via}
    assert sorted([*drawn, *passed]) == list(range(len(graph)))


def test_the_residual_blocks_of_darknet53_are_drawn_once_with_their_count() -> None:
    found = boxes(graph_of("yolov3-spp"), {})
    runs = [(box.nodes[0].index, box.last, box.times, len(box.nodes)) for box in found if box.times > 1]
    assert runs == [
        (6, 11, 2, 3),
        (13, 36, 8, 3),
        (38, 61, 8, 3),
        (63, 74, 4, 3),
        (95, 98, 2, 2),
        (107, 110, 2, 2),
    ]
    costs = sum(box.times * node.cost.bflops for box in found for node in box.nodes)
    assert costs == pytest.approx(graph_of("yolov3-spp").cost.bflops)


def test_what_is_read_from_outside_is_not_hidden_in_a_run() -> None:
    conv = "[convolutional]\nfilters=4\nsize=1\nactivation=linear\n"
    head = f"[net]\nwidth=8\nheight=8\nchannels=4\n{conv * 6}"
    assert [box.times for box in boxes(compile(parse(head)), {})] == [1, 6]
    found = boxes(compile(parse(head + "[route]\nlayers=-1,2\n")), {})
    assert [(box.nodes[0].index, box.last) for box in found[1:]] == [(0, 2), (3, 5), (6, 6)]


def test_the_branches_of_the_pyramid_stand_side_by_side() -> None:
    text = svg(graph_of("yolov3-spp"))
    rows = {}
    for group in ElementTree.fromstring(text).iter(f"{SPACE}g"):
        name = group.findall(f"{SPACE}text")[0].text
        rows[name] = group.findall(f"{SPACE}rect")[-1].get("y")
    assert rows["78  maxpool"] == rows["80  maxpool"] == rows["82  maxpool"]
    assert "route 79" in text
    assert "2048 x 19 x 19" in text


def test_pools_and_heads_have_colours_of_their_own_and_marks_are_told() -> None:
    text = svg(graph_of("yolov3-tiny"), marks={11: Mark("changed", "size 2 -> 3")}, notes=["a < b"])
    root = ElementTree.fromstring(text)
    fills = {}
    for group in root.iter(f"{SPACE}g"):
        words = [one.text or "" for one in group.findall(f"{SPACE}text")]
        fills[words[0].split()[-1]] = group.findall(f"{SPACE}rect")[-1].get("fill")
    assert len({fills["maxpool"], fills["convolutional"], fills["yolo"], fills["route"]}) == 4
    assert "size 2 -&gt; 3" in text
    assert "a &lt; b" in text


def test_show_and_diff_write_a_picture(tmp_path: Path) -> None:
    one, two = tmp_path / "one.svg", tmp_path / "two.svg"
    assert main(["show", "yolov3-tiny", "--svg", str(one)]) == 0
    assert main(["diff", "yolov3-tiny", "yolov3-tiny@11.section=stochpool", "--svg", str(two)]) == 0
    assert "24 layers" in one.read_text()
    assert "was [maxpool]" in two.read_text()


def test_the_picture_of_the_page_is_fresh() -> None:
    shown = ROOT / "docs" / "pictures" / "yolov3-spp.svg"
    assert shown.read_text() == svg(graph_of("yolov3-spp")), "darknet-py show yolov3-spp --svg writes it anew"
