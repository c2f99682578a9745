"""Property. Oracle: pools whose windows differ, on maps that are smaller and larger than the windows."""

from __future__ import annotations

from dataclasses import replace

import darknet_py
from darknet_py.arithmetic.shape import Shape
from darknet_py.graph.compile import compile
from darknet_py.graph.graph import Graph
from darknet_py.model.adapt.ledger import AdaptLedger
from darknet_py.model.adapt.verify import difference, resized, small_size
from darknet_py.model.network import Network
from tests.model.adapt.networks import filled, net


def test_15_outputs_are_compared_on_the_smallest_image_that_distinguishes_windows() -> None:
    assert small_size(darknet_py.compile("yolov3-tiny")) == (96, 96)
    assert small_size(darknet_py.compile("yolov3-tiny"), darknet_py.compile("yolov3-spp")) == (96, 256), (
        "a pool of 13 cells"
    )
    tiny = darknet_py.compile("yolov3-tiny")
    assert resized(tiny, (96, 96)).image == Shape(3, 96, 96)
    connected = compile(net("maxpool size=2", "connected output=3", size=64))
    assert resized(connected, (32, 32)) is connected, "its weights are of one size"


def test_15_another_pool_shows_on_the_small_image() -> None:
    convolution = "convolutional filters=4 size=3 stride=2 pad=1 activation=leaky"
    cfgs = [net(convolution, f"maxpool size={k} stride=1", convolution, size=256) for k in (13, 9)]
    graphs = [compile(cfg) for cfg in cfgs]
    assert small_size(*graphs) == (6, 16)
    old = filled(graphs[0])
    found = difference(old, changed(old, graphs[1]), [(0, 0, [(at, at) for at in range(4)])])
    assert found is not None
    assert found > 1e-3
    assert difference(old, changed(old, graphs[0]), [(0, 0, [(at, at) for at in range(4)])]) == 0


def changed(old: Network, graph: Graph) -> Network:
    """The same weights in another network."""
    new = Network(graph).eval()
    new.load_state_dict(old.state_dict())
    return new


def test_15_a_ledger_without_a_measurement_has_no_words_of_one() -> None:
    ledger = AdaptLedger("a.cfg", "b.cfg", (4, 4), (), (), ())
    assert list(ledger.lines())[1] == "preserving: the outputs are the same"
    measured = replace(ledger, difference=0.0)
    assert (
        list(measured.lines())[1]
        == "preserving: the outputs are the same; measured difference 0 of the greatest value"
    )
