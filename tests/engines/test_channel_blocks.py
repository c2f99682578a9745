"""Parity. Oracle: onnxruntime on the network as it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from darknet_py import load
from darknet_py.analysis.speed.drawn_weights import write_drawn
from darknet_py.cfg.diagnostics import CfgError
from darknet_py.cfg.document import parse
from darknet_py.conform.cases import Seeded, draw_case
from darknet_py.engines.channel_blocks import block_size, widened
from darknet_py.engines.opening import open_given
from darknet_py.errors import WeightsError
from darknet_py.export.onnx_graph import OnnxNetwork, onnx_graph
from darknet_py.graph.graph import Graph
from darknet_py.layers.catalogue import CATALOGUE
from darknet_py.layers.not_executable import NotExecutable
from darknet_py.lint.check import compile_checked
from darknet_py.model.weights_file import read_arrays
from tests.engines.test_engines import block, images, written

onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

WITHIN = 2e-6  # of the greatest value: sums of more terms are added in another order
DEPTHWISE = block("leaky", filters=6) + block("leaky", filters=6, keys="groups=6\n")
LINEAR = "[convolutional]\nfilters=6\nactivation=linear\n"
WEIGHTED = "[shortcut]\nfrom=-2\nweights_type=per_channel\nactivation=linear\n"
ACTIVATIONS = ("mish", "swish", "logistic", "relu6", "elu", "gelu")
FOLLOWED = {  # the channels of all maps but the heads can be followed
    "depthwise": DEPTHWISE + LINEAR + "[shortcut]\nfrom=-3\nactivation=leaky\n",
    "route": DEPTHWISE + block("relu", filters=5) + "[route]\nlayers=-1,-3\n[upsample]\n" + LINEAR,
    "pools": DEPTHWISE + "[maxpool]\nsize=2\nstride=1\n[spp]\nsizes=3,5\n[local_avgpool]\nsize=3\nstride=2\n",
    "scaled": DEPTHWISE + "[avgpool]\n" + block("logistic", filters=6) + "[scale_channels]\nfrom=-3\n",
    "activations": "".join(block(name, filters=6) for name in ACTIVATIONS),
    "shared": 2 * block("leaky", filters=3) + block("relu", filters=3, keys="share_index=1\n"),
}
NOT_FOLLOWED = {
    "part of the channels": DEPTHWISE + "[route]\nlayers=-1\ngroups=2\ngroup_id=1\n" + LINEAR,
    "a convolution in groups": DEPTHWISE + block("leaky", filters=4, keys="groups=2\n") + LINEAR,
    "a norm": DEPTHWISE + block("normalize_channels_softmax", filters=6) + LINEAR,
    "cells as channels": block("leaky", filters=12) + "[reorg]\nstride=2\n" + LINEAR,
    "other channels": DEPTHWISE + block("leaky", filters=9) + "[shortcut]\nfrom=-2\nactivation=linear\n",
    "weighted": DEPTHWISE + WEIGHTED + LINEAR,
    "transposed": DEPTHWISE + "[deconvolutional]\nfilters=6\nsize=2\nstride=2\nactivation=leaky\n" + LINEAR,
}


def network_of(graph: Graph, weights: Path) -> OnnxNetwork:
    return onnx_graph(graph, read_arrays(graph, weights), outputs=graph.raw_outputs, fixed=True)


def run(network: OnnxNetwork, given: np.ndarray) -> list[np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(network.complete(), options, providers=["CPUExecutionProvider"])
    return session.run(list(network.outputs), {"images": given})


def check(wide: OnnxNetwork, network: OnnxNetwork, given: np.ndarray) -> None:
    for one, other in zip(run(wide, given), run(network, given), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=WITHIN * max(1.0, np.abs(other).max()))


def filters(network: OnnxNetwork) -> list[int]:
    """The filters of every convolution in turn."""
    arrays: Mapping[str, np.ndarray] = {**network.constants, **network.weights}
    return [len(arrays[node.inputs[1]]) for node in network.nodes if node.kind == "Conv"]


@pytest.mark.parametrize("size", [8, 16])
@pytest.mark.parametrize("body", FOLLOWED.values(), ids=list(FOLLOWED))
def test_a_network_in_complete_blocks_computes_the_same(body: str, size: int, tmp_path: Path) -> None:
    cfg, weights = written(tmp_path, body)
    network = network_of(load(cfg).graph, weights)
    wide = widened(network, size)
    assert [node.kind for node in wide.nodes] == [node.kind for node in network.nodes]
    *inner, head = filters(wide)
    assert {count % size for count in inner} == {0}
    assert head == 14
    check(wide, network, images())


@pytest.mark.parametrize("body", NOT_FOLLOWED.values(), ids=list(NOT_FOLLOWED))
def test_where_channels_cannot_be_followed_they_are_those_of_the_network(body: str, tmp_path: Path) -> None:
    cfg, weights = written(tmp_path, body)
    network = network_of(load(cfg).graph, weights)
    check(widened(network, 16), network, images())


@pytest.mark.parametrize(
    "section",
    sorted(name for name in set(CATALOGUE) - {"net"} if not issubclass(CATALOGUE[name], NotExecutable)),
)
def test_every_layer_reads_maps_of_a_widened_network(section: str, tmp_path: Path) -> None:
    for seed in range(3):
        try:
            graph = compile_checked(parse(str(draw_case(section, Seeded(seed)))))
            write_drawn(graph, tmp_path / "drawn.weights")
            network = network_of(graph, tmp_path / "drawn.weights")
        except (CfgError, WeightsError):  # no case, or no ONNX form
            continue
        sides = graph.image.channels, graph.image.height, graph.image.width
        check(widened(network, 16), network, np.random.default_rng(seed).random((2, *sides), np.float32))


def test_what_is_in_complete_blocks_stays_as_it_is(tmp_path: Path) -> None:
    cfg, weights = written(
        tmp_path, block("leaky", filters=16) + block("leaky", filters=16, keys="groups=16\n")
    )
    network = network_of(load(cfg).graph, weights)
    for same in (widened(network, 16), widened(network, 1)):
        assert same.nodes == network.nodes
        assert same.weights.keys() == network.weights.keys()


def test_the_session_is_made_of_complete_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cfg, weights = written(tmp_path, FOLLOWED["depthwise"])
    sizes: list[int] = []

    def noted(network: OnnxNetwork, block: int) -> OnnxNetwork:
        sizes.append(block)
        return widened(network, block)

    monkeypatch.setattr("darknet_py.engines.onnxruntime_engine.widened", noted)
    open_given(cfg, weights, engine="onnxruntime")
    assert sizes == [block_size()]


@pytest.mark.parametrize(
    "text, size",
    [
        ("flags\t\t: fpu sse avx avx2 avx512f avx512bw\n", 16),
        ("processor : 0\nflags : fpu sse avx avx2\n", 8),
        ("flags : fpu sse\n", 1),
        ("Features : fp asimd\n", 1),
    ],
)
def test_blocks_are_those_of_the_processor(text: str, size: int, tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text(text)
    assert block_size(tmp_path / "cpuinfo") == size
    assert block_size(tmp_path / "absent") == 1
