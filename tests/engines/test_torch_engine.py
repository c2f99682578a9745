"""Parity. Oracle: the Network that the engine runs."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from darknet_py import load
from darknet_py.engines.base import Engine
from darknet_py.engines.torch_engine import TorchEngine, engine_of_copy

DETECTOR = """[net]
width=32
height=32
channels=3
[convolutional]
filters=21
size=3
stride=4
pad=1
activation=linear
[yolo]
mask=0,1,2
anchors=4,4, 8,8, 16,16
num=3
classes=2
[route]
layers=0
[upsample]
[yolo]
mask=0,1,2
anchors=4,4, 8,8, 16,16
num=3
classes=2
"""
CLASSIFIER = "[net]\nwidth=4\nheight=4\nchannels=3\n[connected]\noutput=5\n[softmax]\ntemperature=2\n[cost]\n"
ONLY_SOFTMAX = "[net]\nwidth=2\nheight=2\nchannels=3\n[softmax]\n"
MAP = "[net]\nwidth=8\nheight=8\nchannels=3\n[maxpool]\nsize=2\nstride=2\n"


def images_of(text: str) -> np.ndarray:
    shape = load(text).graph.image
    return np.random.default_rng(0).random((2, shape.channels, shape.height, shape.width), np.float32)


def test_the_raw_maps_of_all_heads_come_in_the_cfgs_order() -> None:
    torch.manual_seed(0)
    network = load(DETECTOR)
    engine: Engine = TorchEngine(network)
    images = images_of(DETECTOR)
    with torch.inference_mode():
        expected = network(torch.from_numpy(images))
    assert (engine.name, engine.device, engine.graph) == ("torch", "cpu", network.graph)
    found = engine(images)
    assert [raw.shape for raw in found] == [(2, 21, 8, 8), (2, 21, 16, 16)]
    assert all(raw.dtype == np.float32 for raw in found)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("text", [CLASSIFIER, ONLY_SOFTMAX])
def test_a_classifier_gives_what_its_softmax_reads(text: str) -> None:
    torch.manual_seed(0)
    network = load(text)
    images = images_of(text)
    (raw,) = TorchEngine(network)(images)
    layer = network.graph[network.graph.classifier].layer
    with torch.inference_mode():
        probabilities = network(torch.from_numpy(images))[0].flatten(1)
    logits = torch.from_numpy(raw).flatten(1) / layer.temperature
    torch.testing.assert_close(logits.softmax(dim=1), probabilities)
    torch.testing.assert_close(network.logits(torch.from_numpy(images)), logits)


def test_a_network_without_heads_gives_its_last_map() -> None:
    images = images_of(MAP)
    (raw,) = TorchEngine(load(MAP))(images)
    expected = images.reshape(2, 3, 4, 2, 4, 2).max(axis=(3, 5))
    np.testing.assert_array_equal(raw, expected)


def test_a_later_call_leaves_earlier_maps_and_the_images_alone() -> None:
    engine, images = TorchEngine(load(DETECTOR)), images_of(DETECTOR)
    images.flags.writeable = False
    first = engine(images)
    kept = [raw.copy() for raw in first]
    engine(np.ones_like(images))
    for one, other in zip(first, kept, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_network_in_training_is_evaluated() -> None:
    text = CLASSIFIER.replace("[softmax]", "[dropout]\nprobability=.9\n[softmax]")
    network = load(text).train()
    images = images_of(text)
    np.testing.assert_array_equal(TorchEngine(network)(images)[0], TorchEngine(network.eval())(images)[0])


@pytest.mark.parametrize("training", [False, True])
def test_an_engine_of_a_copy_leaves_the_network_alone(training: bool) -> None:
    network = load(DETECTOR).train(training)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    engine = engine_of_copy(network, "cpu")
    engine(images_of(DETECTOR))
    assert network.training is training
    assert not engine.network.training
    assert engine.network is not network
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
