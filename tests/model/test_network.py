"""Property. Oracle: the network's own forward pass, and its layers called one by one."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from darknet_py.cfg.document import parse
from darknet_py.graph.compile import compile
from darknet_py.model.network import Network

TEXT = """[net]
width=12
height=9
channels=3
[convolutional]
filters=4
size=3
pad=1
activation=leaky
[maxpool]
size=5
stride=1
[route]
layers=-2
[maxpool]
size=7
stride=1
[route]
layers=-1,-3
[spp]
sizes=3,5
[gempool]
size=2
stride=2
[blurpool]
size=2
stride=1
[mixpool]
adaptive=2
[local_avgpool]
size=2
stride=1
"""


@pytest.fixture
def network() -> Network:
    torch.manual_seed(0)
    return Network(compile(parse(TEXT, path="a.cfg"))).eval()


@pytest.fixture
def images() -> Tensor:
    return torch.rand(2, 3, 9, 12, generator=torch.Generator().manual_seed(1))


@torch.no_grad()
def test_an_override_replaces_the_map_of_its_layer_alone(network: Network, images: Tensor) -> None:
    seen: list[Tensor] = []

    def mute(module: nn.Module, *maps: Tensor) -> Tensor:
        seen.extend(maps)
        return torch.zeros_like(module(*maps))

    maps = network.trace(images)
    (muted,) = network(images, overrides={5: mute})
    assert seen[0].equal(maps[4]), "an override gets what the layer reads"
    rest = torch.zeros_like(maps[5])
    for module in list(network.layers)[6:]:
        rest = module(rest)
    assert muted.equal(rest)
    assert network(images)[0].equal(maps[-1]), "the next call is without overrides"


@torch.no_grad()
def test_the_map_of_a_layer_is_that_of_the_trace(network: Network, images: Tensor) -> None:
    for index, expected in enumerate(network.trace(images)):
        assert network.map_of(images, index).equal(expected)


def test_the_layers_behind_the_one_that_is_asked_for_do_not_run(network: Network, images: Tensor) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a layer behind it ran")

    for module in list(network.layers)[4:]:
        module.register_forward_hook(refuse)
    assert network.map_of(images, 3).shape == (2, 4, 9, 12)


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
def test_a_traced_network_computes_the_same_on_other_images_with_the_same_gradients(
    network: Network, images: Tensor
) -> None:
    network.eval()
    other = images.flip(3)
    traced = torch.jit.trace(network, (images,), check_trace=False)
    torch.testing.assert_close(traced(other)[0], network(other)[0], rtol=1e-6, atol=1e-6)
    eager, ours = other.clone().requires_grad_(), other.clone().requires_grad_()
    network(eager)[0].square().sum().backward()
    traced(ours)[0].square().sum().backward()
    torch.testing.assert_close(ours.grad, eager.grad, rtol=1e-5, atol=1e-6)


@pytest.mark.filterwarnings("ignore")  # that sizes are constants
def test_the_onnx_that_torch_makes_of_a_network_computes_the_same(network: Network, images: Tensor) -> None:
    onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    file, other = io.BytesIO(), images.flip(3)
    torch.onnx.export(network, (images,), file, dynamo=False, opset_version=17, input_names=["images"])
    session = onnxruntime.InferenceSession(file.getvalue(), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"images": other.numpy()})
    np.testing.assert_allclose(found, network(other)[0].detach().numpy(), atol=1e-5)
