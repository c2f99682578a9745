"""Reference. Oracle: files of networks whose cfg is known: a suggestion must be true of it, or absent."""

from __future__ import annotations

import re
import struct
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from darknet_py.cfg.document import parse, read
from darknet_py.errors import WeightsError
from darknet_py.graph.compile import compile
from darknet_py.graph.graph import Graph
from darknet_py.model.network import Network
from darknet_py.model.weights import file_layout, load_weights
from tests.paths import ROOT, SHARED

CONV = "[convolutional]\nbatch_normalize=1\nfilters={}\nsize=3\nstride={}\npad=1\nactivation=leaky\n"
FLAT = "[convolutional]\nfilters={}\nactivation=linear\n"
NET = "[net]\nwidth=32\nheight=32\nchannels={c}\n" + CONV.format(24, 2) + CONV.format(32, 2)
ANCHORS = "anchors=" + ",".join(["9,9"] * 12) + "\nnum=12\n"
YOLO = FLAT.format("{n}") + "[yolo]\nmask={m}\nclasses={k}\n" + ANCHORS
NETWORKS: dict[int, Network] = {}  # of graphs that live as long
KINDS = {  # texts with holes: c channels, n filters, k classes, m masks, a anchors
    "yolo": NET + CONV.format(40, 1) + YOLO + "[route]\nlayers=-3\n" + CONV.format(20, 1) + YOLO,
    "region": NET + CONV.format(40, 1) + FLAT.format("{n}") + "[region]\nclasses={k}\nnum={a}\n",
    "classifier": NET + CONV.format(40, 1) + FLAT.format("{k}") + "[avgpool]\n[softmax]\n",
    "version 1": NET + "[connected]\noutput={d}\nactivation=linear\n"
    "[detection]\ncoords=4\nclasses={k}\nside=3\nnum={a}\n",
}  # fmt: skip


def text(kind: str, *, classes: int = 20, channels: int = 3, anchors: int = 3) -> str:
    return KINDS[kind].format(
        c=channels,
        k=classes,
        a=anchors,
        n=anchors * (5 + classes),
        d=9 * (5 * anchors + classes),
        m=",".join(map(str, range(anchors))),
    )


@cache
def graph_of(cfg: str) -> Graph:
    return compile(parse(cfg))


def meta(graph: Graph) -> Network:
    if id(graph) not in NETWORKS:
        with torch.device("meta"):
            NETWORKS[id(graph)] = Network(graph)
    return NETWORKS[id(graph)]


def arrays(graph: Graph, layers: int | None = None) -> list[tuple[str, torch.Size]]:
    return [(array.name, array.tensor.shape) for array in file_layout(meta(graph), layers)]


def values_of(graph: Graph, seed: int) -> np.ndarray:
    """Numbers as a trained network has them."""
    draw, parts = np.random.default_rng(seed), []
    for name, shape in arrays(graph):
        count = shape.numel()
        numbers = draw.normal(size=count) * 0.1
        if name in ("scales", "variances"):
            numbers = np.exp(draw.normal(size=count) * 0.5)
        parts.append(numbers.astype("<f4"))
    return np.concatenate(parts)


def write(path: Path, values: np.ndarray, *, header: bytes = struct.pack("<iiiQ", 0, 2, 5, 64)) -> Path:
    path.write_bytes(header + values.astype("<f4").tobytes())
    return path


def hint(cfg: Graph, path: Path, *, partial: int | None = None) -> str:
    """What is suggested where a file is refused."""
    with pytest.raises(WeightsError) as caught:
        load_weights(meta(cfg), path, partial=partial)
    return caught.value.hint or ""


def check_true(said: str, cfg: Graph, true: Graph) -> None:
    """`--partial N` must be of layers that both networks have."""
    for number in re.findall(r"--partial (\d+)", said):
        mine = arrays(cfg, int(number))
        assert mine, said
        assert mine == arrays(true)[: len(mine)], said


@pytest.mark.parametrize(
    ("kind", "before", "after", "words", "partial"),
    [
        ("yolo", {}, {"classes": 1}, "classes=1", 3),
        ("yolo", {"classes": 1}, {"classes": 80}, "classes=80", 3),
        ("yolo", {}, {"channels": 1}, "channels=1", 0),
        ("yolo", {"channels": 1}, {"channels": 3}, "channels=3", 0),
        ("yolo", {}, {"classes": 7, "channels": 1}, "channels=1 and classes=7", 0),
        ("yolo", {}, {"anchors": 2}, "masks of 2 anchors", 3),
        ("yolo", {}, {"anchors": 4, "classes": 5}, "filters=40 before its heads", 3),
        ("region", {"anchors": 5}, {"anchors": 6}, "classes=25 or num=6", 3),
        ("region", {"anchors": 5, "classes": 3}, {"anchors": 6, "classes": 3}, "num=6", 3),
        ("region", {"anchors": 5}, {"classes": 2, "anchors": 5}, "classes=2", 3),
        ("classifier", {"classes": 10}, {"classes": 100}, "100 outputs of layer 3", 3),
        ("version 1", {}, {"classes": 3}, "classes=3", 2),
    ],
)
def test_A6_the_change_that_a_file_fits_is_solved_for(
    kind: str, before: dict[str, int], after: dict[str, int], words: str, partial: int, tmp_path: Path
) -> None:
    cfg, true = graph_of(text(kind, **before)), graph_of(text(kind, **after))
    said = hint(cfg, write(tmp_path / "w", values_of(true, 0)))
    assert f"it fits the cfg with {words}" in said
    assert re.findall(r"--partial (\d+)", said) == ([str(partial)] if partial else [])
    check_true(said, cfg, true)


def test_A6_drawn_changes_are_named_or_nothing_false_is_said(tmp_path: Path) -> None:
    draw, named = np.random.default_rng(14), 0
    for seed in range(100):
        kind = str(draw.choice([*KINDS]))
        first, second = (
            {
                "classes": int(draw.choice([1, 2, 3, 10, 20, 37, 80])),
                "channels": int(draw.choice([1, 3, 3, 3])),
                "anchors": int(draw.choice([3, 3, 3, 2, 5])),
            }
            for _ in range(2)
        )
        cfg, true = graph_of(text(kind, **first)), graph_of(text(kind, **second))
        if arrays(cfg) == arrays(true):
            continue
        path = write(tmp_path / "w", values_of(true, seed))
        try:
            load_weights(meta(cfg), path)
        except WeightsError as error:
            said = error.hint or ""
        check_true(said, cfg, true)
        fits = re.findall(r"classes=(\d+)", said)
        if first["anchors"] == second["anchors"] and fits:
            assert str(second["classes"]) in fits, said
        named += "fits the cfg with" in said
    assert named >= 40, "most are found"


@pytest.mark.parametrize("kind", ["yolo", "region"])
def test_A6_where_a_file_is_cut_off_no_other_network_is_named(kind: str, tmp_path: Path) -> None:
    graph, draw = graph_of(text(kind)), np.random.default_rng(3)
    values = values_of(graph, 5)
    for size in draw.integers(100, len(values), size=25):
        said = hint(graph, write(tmp_path / "w", values[:size]))
        check_true(said, graph, graph)
        if "fits the cfg with" in said:  # a head's layer that is cut between two filters of all boxes
            assert kind == "region"
            assert size > len(values) - 3 * 25 * 41


def test_A6_a_file_that_ends_with_a_layer_is_read_partially_and_one_that_ends_inside_is_not(
    tmp_path: Path,
) -> None:
    graph = graph_of(text("yolo"))
    values, floats = values_of(graph, 1), sum(shape.numel() for _, shape in arrays(graph, 3))
    said = hint(graph, write(tmp_path / "w", values[:floats]))
    assert "it ends with layer 2: --partial 3 reads the first 3 layers" in said
    said = hint(graph, write(tmp_path / "w", values[: floats + 7]))
    assert "it is cut off, or of another network that begins like this one" in said
    assert "--partial 2" in said
    assert "--partial" not in hint(graph, write(tmp_path / "w", values[:800]))


@pytest.mark.parametrize(("old", "other"), [(True, 20), (False, 16)])
def test_A6_a_header_of_another_length_than_its_version_says(old: bool, other: int, tmp_path: Path) -> None:
    graph = graph_of(text("yolo"))
    header = struct.pack("<iiiQ", 0, 1, 0, 7) if old else struct.pack("<iiiI", 0, 2, 0, 7)
    said = hint(graph, write(tmp_path / "w", values_of(graph, 2), header=header))
    assert f"its size is that of a file with a header of {other} bytes" in said
    assert "the header is damaged" in said


@pytest.mark.parametrize("kind", ["float16", "float64"])
def test_A6_numbers_of_another_size(kind: str, tmp_path: Path) -> None:
    graph = graph_of(text("yolo"))
    numbers = values_of(graph, 2).astype(kind).tobytes()
    (tmp_path / "w").write_bytes(struct.pack("<iiiQ", 0, 2, 5, 0) + numbers)
    assert f"as many numbers as the network in {kind}" in hint(graph, tmp_path / "w")


def test_A6_a_network_of_another_middle_is_named_by_where_it_is_misaligned(tmp_path: Path) -> None:
    cfg = text("yolo").replace("filters=40", "filters=48")
    said = hint(graph_of(cfg), write(tmp_path / "w", values_of(graph_of(text("yolo")), 4)))
    assert "it is of another network, misaligned after layer 1: the variances of layer 2 are none" in said
    check_true(said, graph_of(cfg), graph_of(text("yolo")))


def test_A6_negative_variances_in_a_file_of_the_right_size_say_where_it_is_misaligned(tmp_path: Path) -> None:
    graph = graph_of(text("yolo"))
    values = np.roll(values_of(graph, 6), -50)
    values[:7000] = values_of(graph, 6)[:7000]  # fifty of the weights of layer 1 are missing
    said = hint(graph, write(tmp_path / "w", values))
    assert "misaligned after layer 1 [convolutional] (cfg line " in said


@pytest.mark.parametrize("partial", [1, 2, 3])
def test_A6_a_partial_reading_of_too_short_a_file_suggests_no_partial_reading(
    partial: int, tmp_path: Path
) -> None:
    graph = graph_of(text("yolo"))
    assert "--partial" not in hint(graph, write(tmp_path / "w", values_of(graph, 1)[:99]), partial=partial)


# the published file


TINY = SHARED / "weights" / "yolov3-tiny.weights"
needs_tiny = pytest.mark.skipif(not TINY.exists(), reason="needs shared/weights beside the checkout")


@needs_tiny
@pytest.mark.parametrize(("classes", "channels"), [(1, 3), (20, 3), (81, 3), (79, 1)])
def test_A6_yolov3_tiny_begins_like_a_cfg_of_other_classes(classes: int, channels: int) -> None:
    cfg = str(read(ROOT / "cfg" / "yolov3-tiny.cfg")).replace("filters=255", f"filters={3 * (5 + classes)}")
    cfg = cfg.replace("classes=80", f"classes={classes}").replace("channels=3", f"channels={channels}")
    said = hint(graph_of(cfg), TINY)
    if channels == 3:
        assert said.endswith(
            "it fits the cfg with classes=80; the layers before layer 15 are the same: --partial 15"
        )
    else:
        assert said.endswith("it fits the cfg with channels=3 and classes=80")


@needs_tiny
@pytest.mark.parametrize("name", ["spp", "spp-5-9-19", "unpool", "mixpool-cat", "gempool", "mixpool-gated"])
def test_A6_yolov3_tiny_for_a_variant_says_how_many_layers_fit(name: str) -> None:
    cfg, true = (
        compile(read(ROOT / "cfg" / path)) for path in (f"pools/yolov3-tiny-{name}.cfg", "yolov3-tiny.cfg")
    )
    said = hint(cfg, TINY)
    assert "--partial" in said
    check_true(said, cfg, true)
