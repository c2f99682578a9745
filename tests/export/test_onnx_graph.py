"""Parity. Oracle: the torch network with the same weights; and `sys.modules` for what is imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from darknet_py.cfg.document import parse
from darknet_py.export.onnx_graph import OnnxNetwork, onnx_graph
from darknet_py.graph.graph import Graph
from darknet_py.lint.api import compile
from darknet_py.model.network import Network
from darknet_py.model.weights import save_weights
from darknet_py.model.weights_file import read_arrays
from tests.onnx_runs import run_onnx

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


def with_weights(text: str, path: Path) -> tuple[Network, Graph]:
    """A network with drawn weights, saved at the path."""
    graph = compile(parse(text))
    network = Network(graph).eval()
    generator = torch.Generator().manual_seed(1)
    for node in graph:
        for name, array in node.layer.arrays(network.layers[node.index]):
            numbers = torch.randn(array.shape, generator=generator)
            array.data.copy_(numbers.abs() + 0.5 if name in ("scales", "variances") else numbers / 3)
    save_weights(network, path)
    return network, graph


def built(text: str, path: Path) -> tuple[Network, OnnxNetwork]:
    network, graph = with_weights(text, path)
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
