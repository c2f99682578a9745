"""Parity. Oracle: the torch network with the same weights; and `sys.modules` for what is imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from darknet_py.cfg.document import Document, parse, read
from darknet_py.cfg.edits import Edit
from darknet_py.edit.overrides import apply_overrides
from darknet_py.export.onnx_graph import OnnxNetwork, onnx_graph
from darknet_py.graph.graph import Graph
from darknet_py.lint.api import compile
from darknet_py.model.network import Network
from darknet_py.model.weights import save_weights
from darknet_py.model.weights_file import read_arrays
from tests.onnx_runs import run_onnx
from tests.paths import ROOT

TINY = """[net]
width=64
height=32
channels=3
[convolutional]
batch_normalize=1
filters=6
size=3
stride=2
pad=1
activation=leaky
[maxpool]
size=2
stride=1
[convolutional]
filters=6
activation=mish
[shortcut]
from=-3
activation=linear
[upsample]
stride=2
[route]
layers=-1,-1
[convolutional]
filters=6
activation=linear
[yolo]
mask=0
anchors=10,14
num=1
classes=1
[route]
layers=1
groups=2
group_id=1
[convolutional]
filters=6
activation=linear
[yolo]
mask=0
anchors=10,14
num=1
classes=1
"""


def with_weights(cfg: str | Document, path: Path) -> tuple[Network, Graph]:
    """A network with drawn weights, saved at the path."""
    graph = compile(parse(cfg) if isinstance(cfg, str) else cfg)
    network = Network(graph).eval()
    generator = torch.Generator().manual_seed(1)
    for node in graph:
        for name, array in node.layer.arrays(network.layers[node.index]):
            numbers = torch.randn(array.shape, generator=generator) * (3 / max(9, array[0].numel()) ** 0.5)
            array.data.copy_(numbers.abs() + 0.5 if name in ("scales", "variances") else numbers / 3)
    save_weights(network, path)
    return network, graph


def built(cfg: str | Document, path: Path) -> tuple[Network, OnnxNetwork]:
    network, graph = with_weights(cfg, path)
    return network, onnx_graph(graph, read_arrays(graph, path))


@pytest.mark.parametrize("size", [(32, 64), (64, 32)])
def test_the_graph_computes_what_the_network_does_at_any_batch_and_size(
    size: tuple[int, int], tmp_path: Path
) -> None:
    network, onnx = built(TINY, tmp_path / "a.weights")
    assert onnx.outputs == ("head_7", "head_10")
    assert not onnx.fixed_size
    images = torch.rand(3, 3, *size, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        theirs = network(images)
    for ours, raw in zip(run_onnx(onnx, images.numpy()), theirs, strict=True):
        assert ours.shape == tuple(raw.shape)
        assert np.abs(ours - raw.numpy()).max() <= 1e-5 * raw.abs().max()


def test_torch_is_not_imported(tmp_path: Path) -> None:
    with_weights(TINY, tmp_path / "a.weights")
    (tmp_path / "a.cfg").write_text(TINY)
    code = """
import sys
from darknet_py.export.onnx_graph import onnx_graph
from darknet_py.lint.api import compile
from darknet_py.model.weights_file import read_arrays
graph = compile(sys.argv[1])
model = onnx_graph(graph, read_arrays(graph, sys.argv[2])).model()
print(len(model.graph.output), sorted({"torch", "torchvision", "onnxruntime"} & set(sys.modules)))
"""
    command = [sys.executable, "-c", code, tmp_path / "a.cfg", tmp_path / "a.weights"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "2 []\n"


SHARED = """[net]
width=8
height=6
channels=4
[convolutional]
batch_normalize=1
filters=4
size=3
pad=1
activation=leaky
[convolutional]
batch_normalize=1
filters=4
size=3
pad=1
activation=linear
share_index=0
[softmax]
spatial=1
"""


def test_shared_weights_are_folded_once_and_not_changed_unless_asked(tmp_path: Path) -> None:
    network, graph = with_weights(SHARED, tmp_path / "a.weights")
    arrays = read_arrays(graph, tmp_path / "a.weights")
    before = arrays[0]["weights"].copy()
    images = torch.rand(1, 4, 6, 8, generator=torch.Generator().manual_seed(2))
    expected = network.trace(images)
    first = onnx_graph(graph, arrays, outputs=graph.raw_outputs)
    assert (arrays[0]["weights"] == before).all()
    second = onnx_graph(graph, arrays, outputs=graph.raw_outputs, in_place=True)
    for onnx in (first, second):
        assert onnx.outputs == ("map_1",)
        assert np.abs(run_onnx(onnx, images.numpy())[0] - expected[1].detach().numpy()).max() <= 1e-5
    assert list(second.constants) == ["layer_0/weights", "layer_0/biases"]


def test_two_heads_on_one_map_and_a_map_that_is_the_image() -> None:
    text = "[net]\nwidth=4\nheight=4\nchannels=6\n"
    head = "[yolo]\nmask=0\nanchors=10,14\nnum=1\nclasses=1\n"
    route = "[route]\nlayers=0\n"
    graph = compile(parse(text + "[empty]\n" + route + head + route + head))
    onnx = onnx_graph(graph, {})
    assert onnx.outputs == ("head_2", "head_4")
    images = np.random.default_rng(1).random((2, 6, 4, 4), np.float32)
    for found in run_onnx(onnx, images):
        assert (found == images).all()


def test_the_size_is_fixed_by_the_layers_that_need_it_or_when_asked() -> None:
    text = "[net]\nwidth=8\nheight=8\nchannels=2\n[maxpool]\nsize=2\nstride=2\n"
    free, asked = (onnx_graph(compile(parse(text)), {}, fixed=fixed) for fixed in (False, True))
    needed = onnx_graph(compile(parse(text + "[avgpool]\n[local_avgpool]\nadaptive=2\n")), {})
    sides = [list(n.inputs[0].sides) for n in (free, asked, needed)]
    assert sides == [["N", 2, "H", "W"], ["N", 2, 8, 8], ["N", 2, 8, 8]]
    assert needed.fixed_size == "layer_2: an adaptive pool of 2 x 2 divides the map"


OWN = ("yolov3-tiny.cfg", "pools/yolov3-tiny-stochpool.cfg", "pools/yolov3-tiny-medianpool.cfg")


@pytest.mark.parametrize("cfg", [ROOT / "cfg" / name for name in OWN], ids=lambda path: path.stem)
def test_a_cfg_of_ours_computes_what_the_network_does(cfg: Path, tmp_path: Path) -> None:
    edits = [Edit(None, side, "96") for side in ("width", "height")]
    network, onnx = built(apply_overrides(read(cfg), edits), tmp_path / "a.weights")
    images = torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        theirs = network(images)
    for ours, raw in zip(run_onnx(onnx, images.numpy()), theirs, strict=True):
        assert np.abs(ours - raw.numpy()).max() <= 1e-5 * raw.abs().max()
