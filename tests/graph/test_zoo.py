"""Golden. Oracle: Darknet's tables of 64 public cfgs (shared/zoo), known totals, and OpenCV 4's importer.

Without the shared folder beside the checkout, the totals of the repository's own cfgs remain.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from darknet_py.cfg.diagnostics import CfgError
from darknet_py.cfg.document import parse, read
from darknet_py.graph.compile import compile
from darknet_py.graph.graph import Graph
from darknet_py.layers.heads.head import Head
from darknet_py.lint.check import warnings
from darknet_py.model.network import Network
from darknet_py.model.weights import expected_bytes, save_weights
from tests.paths import ROOT, SHARED

ZOO = sorted((SHARED / "zoo").glob("*.cfg"))
OWN = sorted((ROOT / "cfg").rglob("*.cfg"))
needs_zoo = pytest.mark.skipif(not ZOO, reason="needs shared/zoo beside the checkout")
needs_opencv4 = pytest.mark.skipif(
    not hasattr(cv2.dnn, "readNetFromDarknet"), reason="OpenCV 5 no longer imports Darknet"
)

NOT_RUN = {  # by file: what is understood and not computed
    "alexeyab--darknet53_448_xnor": {"xnor=1"},
    "alexeyab--lstm.train": {"inputs=256", "[lstm]"},
    "alexeyab--yolov3-tiny_occlusion_track": {"[crnn]"},
    "pjreddie--darknet9000": {"tree=data/9k.tree"},
    "pjreddie--rnn": {"inputs=256", "[rnn]"},
    "pjreddie--rnn.train": {"inputs=256", "[rnn]"},
}
ABORTS = {  # what Darknet says of cfgs that compile here: by pjreddie's shortcut, and as vectors
    "resnet": "parse_shortcut: Assertion",
    "resnext": "parse_shortcut: Assertion",
    "rnn": "Total BFLOPS 0.000",  # then it divides by the number of layers that are maps, none
    "lstm": "Total BFLOPS 0.000",
}
NUM_TOO_SMALL = {
    "alexeyab--cspx-p7-mish": ("num=16", "num=20")
}  # masks 16 to 19: Darknet reads past its memory
PARAMETERS = {  # floats of a weights file by the format page's own calculator, of what has no published file
    "alexeyab--lstm.train": 22_380_800,
    "alexeyab--yolov3-tiny_occlusion_track": 15_664_020,
    "alexeyab--yolov4-sam-mish-csp-reorg-bfm": 61_562_973,
    "alexeyab--yolov4-tiny_contrastive": 7_390_429,
    "alexeyab--darknet53_448_xnor": 41_659_976,
    "alexeyab--yolo-coco": 234_210_543,
    "alexeyab--yolo2": 197_328_243,
    "pjreddie--darknet9000": 29_485_226,
    "pjreddie--go.test": 7_093_761,
    "pjreddie--rnn": 8_950_016,
}
ROUNDING = {"abs": 1e-6, "rel": 2**-24}  # BFLOPs are printed with six digits, and are 32-bit floats before


def graph_of(path: Path) -> Graph:
    """A cfg of the zoo as a graph, with the `num` that its masks need."""
    return compile(parse(str(read(path)).replace(*NUM_TOO_SMALL.get(path.stem, ("", ""))), path=str(path)))


def darknet(path: Path) -> dict[str, Any]:
    return json.loads((SHARED / "zoo" / "darknet-tables.json").read_text())[path.name]


@pytest.mark.parametrize("path", [*ZOO, *OWN], ids=lambda p: p.stem)
def test_C31_a_real_cfg_comes_back_byte_for_byte(path: Path) -> None:
    document = read(path)
    assert str(document).encode("utf-8", "surrogateescape") == path.read_bytes()
    assert document.errors == ()


@needs_zoo
@pytest.mark.parametrize("path", ZOO, ids=lambda p: p.stem)
def test_every_layer_has_darknets_shape_and_cost(path: Path) -> None:
    graph, table = graph_of(path), darknet(path)
    if "refused" in table:
        (said,) = [words for name, words in ABORTS.items() if f"--{name}" in path.stem]
        assert said in table["refused"]
        return
    assert len(graph) == len(table["layers"])
    for node, (_, *shape, bflops) in zip(graph, table["layers"], strict=True):
        if shape != [0, 0, 0]:
            assert [node.shape.channels, node.shape.height, node.shape.width] == shape, node.name
        assert node.cost.bflops == pytest.approx(bflops, **ROUNDING), node.name
    assert graph.cost.bflops == pytest.approx(table["total_bflops"], abs=0.0011)


@needs_zoo
def test_masks_beyond_num_are_refused_with_the_number_that_is_listed() -> None:
    with pytest.raises(CfgError) as caught:
        compile(read(SHARED / "zoo" / "alexeyab--cspx-p7-mish.cfg"))
    told = [d for d in caught.value.diagnostics if d.code == "bad-anchors"]
    assert [d.severity for d in told] == ["warning"] * 4 + ["error"], "four heads have masks below num"
    assert all("the first 16 pairs are used" in d.reason for d in told[:4])
    assert (told[-1].span.line, told[-1].suggestion) == (2586, "20")


@needs_zoo
@pytest.mark.parametrize("path", ZOO, ids=lambda p: p.stem)
def test_what_is_not_run_is_said_at_its_place(path: Path) -> None:
    graph = graph_of(path)
    found = [d for d in warnings(graph) if d.code == "not-run"]
    assert {d.message.split(" is ")[0] for d in found} == NOT_RUN.get(path.stem, set())
    if found:
        with pytest.raises(CfgError) as caught:
            Network(graph)
        assert [d.span for d in caught.value.diagnostics] == [d.span for d in found]
        assert {d.severity for d in caught.value.diagnostics} == {"error"}


@needs_zoo
@pytest.mark.parametrize("name", PARAMETERS)
def test_a_weights_file_would_have_as_many_floats(name: str) -> None:
    assert compile(read(SHARED / "zoo" / f"{name}.cfg")).cost.parameters == PARAMETERS[name]


@needs_zoo
def test_the_lists_name_real_cfgs() -> None:
    assert {p.stem for p in ZOO} >= {*NOT_RUN, *PARAMETERS}
    assert len(ZOO) == 64


@pytest.mark.parametrize(
    ("name", "bflops", "floats", "size"),
    [  # bflops as Darknet prints; floats and bytes of the published weights (format page, 4.2)
        ("yolov3", 65.879, 62_001_757, 416),
        ("yolov3-tiny", 5.571, 8_858_734, 416),
    ],
)
def test_our_own_cfgs_have_the_totals_that_darknet_prints(
    name: str, bflops: float, floats: int, size: int
) -> None:
    document = read(ROOT / "cfg" / f"{name}.cfg")
    graph = compile(document)
    assert (graph.net.width, graph.net.height) == (size, size)
    assert round(graph.cost.bflops, 3) == bflops
    assert graph.cost.parameters == floats
    assert expected_bytes(graph) == 20 + 4 * floats


@needs_zoo
def test_yolov4_tiny_has_the_totals_that_darknet_prints() -> None:
    graph = compile(read(SHARED / "zoo" / "alexeyab--yolov4-tiny.cfg"))
    assert round(graph.cost.bflops, 3) == 6.910
    assert graph.cost.parameters == 6_062_814


@pytest.mark.parametrize("path", OWN, ids=lambda p: p.stem)
def test_our_own_cfgs_compile_without_warnings(path: Path) -> None:
    told = [d for d in warnings(compile(read(path))) if d.severity != "hint"]
    assert {d.code for d in told} <= {"covers-map"}, (
        "large windows at small training sizes: it is what they ask"
    )


# OpenCV reads the same two files, by code of its own.

CONV = "[convolutional]\nbatch_normalize=1\nfilters={}\nsize={}\nstride={}\npad=1\nactivation=leaky\n"
HEAD = "[convolutional]\nfilters=18\nsize=1\nstride=1\npad=1\nactivation=linear\n"
YOLO = "[yolo]\nmask={}\nanchors=4,6,10,14,23,27,37,58\nclasses=4\nnum=4\n"
TINY = "".join(
    [
        "[net]\nwidth=64\nheight=64\nchannels=3\n",
        CONV.format(6, 3, 1),
        "[maxpool]\nsize=2\nstride=2\n",
        CONV.format(8, 3, 2),
        "[maxpool]\nsize=2\nstride=2\n",
        CONV.format(10, 3, 1),
        "[maxpool]\nsize=2\nstride=1\n",  # overlapping, as layer 11 of yolov3-tiny
        CONV.format(8, 1, 1),
        HEAD,
        YOLO.format("2,3"),
        "[route]\nlayers=-3\n",
        CONV.format(6, 1, 1),
        "[upsample]\nstride=2\n",
        "[route]\nlayers=-1,2\n",
        CONV.format(6, 3, 1),
        CONV.format(6, 3, 1),
        "[shortcut]\nfrom=-2\nactivation=linear\n",
        HEAD,
        YOLO.format("0,1"),
    ]
)


def opencv_name(graph: Graph, index: int, names: tuple[str, ...]) -> str:
    """What OpenCV calls the last of its layers for one of ours; an activation has the next number."""
    layer = graph[index].layer
    if layer.section == "convolutional" and layer.activation == "leaky":  # type: ignore[attr-defined]
        return f"leaky_{index + 1}"
    kinds = ("conv", "pool", "identity", "concat", "upsample", "shortcut", "yolo")
    return next(name for kind in kinds if (name := f"{kind}_{index}") in names)


@needs_opencv4
def test_every_map_of_a_small_network_is_opencvs(tmp_path: Path) -> None:
    graph = compile(parse(TINY))
    network = Network(graph).eval()
    for name, buffer in network.named_buffers():
        if name.endswith(("running_mean", "running_var")):
            buffer.uniform_(0.5, 1.5)
    (tmp_path / "net.cfg").write_text(TINY)
    save_weights(network, tmp_path / "net.weights")
    other = cv2.dnn.readNetFromDarknet(str(tmp_path / "net.cfg"), str(tmp_path / "net.weights"))
    other.enableFusion(False)
    image = torch.rand(1, 3, 64, 64)
    other.setInput(image.numpy())
    with torch.inference_mode():
        maps, raws = network.trace(image), network(image)
    for node, mine in zip(graph, maps, strict=True):
        theirs = other.forward(opencv_name(graph, node.index, other.getLayerNames()))
        if isinstance(node.layer, Head):
            boxes, objectness, _ = node.layer.decode(raws[graph.heads.index(node.index)], 64, 64)
            mine, theirs = torch.cat([boxes[0], objectness[0, :, None]], dim=1), theirs[:, :5]
        assert theirs.shape == tuple(mine.shape), node.name
        np.testing.assert_allclose(mine.numpy(), theirs, atol=1e-5, rtol=1e-4, err_msg=node.name)


@needs_opencv4
def test_every_shape_of_yolov3_tiny_is_opencvs(tmp_path: Path) -> None:
    path = ROOT / "cfg" / "yolov3-tiny.cfg"
    graph = compile(read(path))
    weights = tmp_path / "zeros.weights"
    weights.write_bytes(struct.pack("<iiiQ", 0, 2, 5, 0).ljust(expected_bytes(graph), b"\0"))
    other = cv2.dnn.readNetFromDarknet(str(path), str(weights))
    ids, _, outs = other.getLayersShapes([1, 3, 416, 416])
    shapes = {
        other.getLayer(int(i)).name: [list(map(int, s)) for s in out]
        for i, out in zip(ids, outs, strict=True)
    }
    for node in graph:
        if not isinstance(node.layer, Head):
            theirs = shapes[opencv_name(graph, node.index, tuple(shapes))]
            assert theirs == [[1, node.shape.channels, node.shape.height, node.shape.width]], node.name
