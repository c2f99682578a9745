"""Example. What has no ONNX form is refused by name and line, all at once; a plug-in may declare one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from darknet_py.cfg.diagnostics import CfgError
from darknet_py.cfg.document import parse
from darknet_py.errors import UsageError, WeightsError
from darknet_py.export import onnx_graph as module
from darknet_py.export.onnx_graph import OnnxNetwork, onnx_graph
from darknet_py.layers.plugins import load_plugins
from darknet_py.lint.api import compile
from darknet_py.model.network import Network
from darknet_py.model.weights_file import declared_specs
from tests.onnx_runs import run_onnx

HEAD = '''
from darknet_py.arithmetic.cost import Cost
from darknet_py.layers.pools.base import WindowPool
from darknet_py.layers.pools.maxpool import MaxPool
from darknet_py.layers.transforms.activations import activation_function
from darknet_py.ops.function import Function


class Planted(WindowPool, section="planted"):
    """A pool.

        [planted]
        size = 2
    """

    def reduce(self, cells, inside):
        return (cells * inside).sum(-1) / inside.sum(-1)
'''
FORM = """
    def onnx(self, nodes, *maps):
        return nodes.add("AveragePool", maps[0], count_include_pad=0, **self.windows().attributes)
"""
NEGATIVE = '''
class Negative(MaxPool, section="negative"):
    """A pool that computes something else than the class it extends.

        [negative]
        size = 2
    """

    def module(self, *maps):
        return Function(lambda x: -self.grid().maximum(x))
'''
TWICE = '''
@activation_function
def twice(x):
    """Two x."""
    return 2 * x
'''
CFG = "[net]\nwidth=7\nheight=6\nchannels=3\n"


@pytest.fixture(autouse=True)
def _without_plugins() -> Iterator[None]:
    yield
    load_plugins([])


def graph_of(folder: Path, plugin: str, text: str) -> OnnxNetwork:
    (folder / "mine.py").write_text(plugin)
    load_plugins([folder / "mine.py"])
    return onnx_graph(compile(parse(CFG + text, path="a.cfg")), {})


def test_every_layer_without_a_form_is_named_at_its_line(tmp_path: Path) -> None:
    with pytest.raises(CfgError) as caught:
        graph_of(tmp_path, HEAD + NEGATIVE, "[planted]\n[maxpool]\nsize=2\n[negative]\nsize=3\n")
    assert [(d.code, d.span.line, d.message) for d in caught.value.diagnostics] == [
        ("no-onnx", 5, "[planted] has no ONNX form"),
        ("no-onnx", 8, "[negative] has no ONNX form"),
    ]
    assert caught.value.diagnostics[1].reason == "Negative does not declare `onnx`"


def test_the_pool_of_a_pyramid_is_named_too(tmp_path: Path) -> None:
    with pytest.raises(CfgError, match=r"a.cfg:5:1: error\[no-onnx\]: \[planted\] has no ONNX form"):
        graph_of(tmp_path, HEAD, "[spp]\npool=planted\n")


def test_an_activation_without_a_form_is_named_at_its_key(tmp_path: Path) -> None:
    with pytest.raises(CfgError) as caught:
        graph_of(tmp_path, HEAD + TWICE, "[activation]\nactivation=twice\n")
    (error,) = caught.value.diagnostics
    assert (error.code, error.message) == ("no-onnx", "activation=twice has no ONNX form")
    assert "twice.onnx = lambda nodes, x: ..." in error.reason


def test_a_plug_in_with_a_form_is_computed(tmp_path: Path) -> None:
    form = TWICE + "twice.onnx = lambda nodes, x: nodes.add('Add', x, x)\n"
    text = "[planted]\nsize=2\n[activation]\nactivation=twice\n"
    network = graph_of(tmp_path, HEAD + FORM + form, text)
    images = torch.rand(2, 3, 6, 7, generator=torch.Generator().manual_seed(1))
    expected = Network(compile(parse(CFG + text))).eval()(images)[0]
    assert np.abs(run_onnx(network, images.numpy())[0] - expected.numpy()).max() <= 1e-6


def test_floats_whose_places_are_not_declared_are_refused(tmp_path: Path) -> None:
    body = "    def cost(self, *maps):\n        return Cost(3, 3)\n"
    (tmp_path / "mine.py").write_text(HEAD + FORM + body)
    load_plugins([tmp_path / "mine.py"])
    with pytest.raises(WeightsError, match=r"layer 0 .* has 3 parameters, and does not say where"):
        declared_specs(compile(parse(CFG + "[planted]\nsize=2\n")))


def test_a_file_of_more_than_2_gb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = compile(parse(CFG + "[convolutional]\nfilters=9\nsize=6\npad=1\nactivation=linear\n"))
    arrays = {"weights": np.ones((9, 3, 6, 6), np.float32), "biases": np.ones(9, np.float32)}
    monkeypatch.setattr(module, "LARGEST", 900)
    network = onnx_graph(graph, {0: arrays})
    with pytest.raises(UsageError, match="one ONNX file holds 2 GB"):
        network.model()


def test_an_xnor_network_is_refused_as_elsewhere() -> None:
    graph = compile(parse(CFG + "[convolutional]\nxnor=1\n"))
    with pytest.raises(CfgError, match=r"not-run"):
        onnx_graph(graph, {})


def test_an_exponent_of_zero_in_the_weights_is_refused() -> None:
    graph = compile("[net]\nwidth=8\nheight=8\nchannels=3\n[gempool]\nsize=2\n")
    with pytest.raises(CfgError) as refused:
        onnx_graph(graph, {0: {"p": np.zeros(1, np.float32)}})
    assert str(refused.value).splitlines()[0] == "<cfg>:5:1: error[bad-value]: the p of the weights is 0"
    assert "a mean of powers has an exponent other than 0" in str(refused.value)
