"""Reference. Oracle: `tests/reference/darknet_layers.py`, loops over what Darknet does with each number."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from darknet_py.cfg.diagnostics import CfgError, Refused
from darknet_py.cfg.document import parse
from darknet_py.graph.compile import compile
from darknet_py.graph.reach import fields
from darknet_py.layers.catalogue import CATALOGUE
from darknet_py.layers.not_executable import NotExecutable
from darknet_py.lint.check import warnings
from darknet_py.model.initialization import initialise
from darknet_py.model.network import Network
from darknet_py.model.weights import load_weights, save_weights
from tests.layers.nets import module, network, section
from tests.reference import darknet_layers as reference

NET = "[net]\nwidth=16\nheight=12\nchannels=3\n"
CONV = section("convolutional", filters=4, size=3, pad=1, activation="linear")
WINDOWS = [(1, 1, 0), (4, 2, 1), (3, 2, 1), (2, 3, 0), (5, 1, 2)]  # size, stride, padding


def drawn(*shape, seed=3):
    return np.random.default_rng(seed).normal(size=shape)


def graph_of(text):
    return compile(parse(text))


def codes(text):
    with pytest.raises(CfgError) as caught:
        graph_of(text)
    return [d.code for d in caught.value.diagnostics if d.severity == "error"]


def agrees(layer, images, expected, **tolerances):
    """A module on a batch does to each image what the loops do."""
    with torch.no_grad():
        found = layer.double().eval()(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(found, expected, **{"rtol": 1e-10, "atol": 1e-12, **tolerances})


@pytest.mark.parametrize("name", ["reorg", "reorg3d"])
@pytest.mark.parametrize("reverse", [0, 1])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_cells_and_channels_change_places_as_darknet_has_it(name, reverse, stride):
    shape = (stride**4, 2, 3) if reverse else (2 * stride**2, 2 * stride, 3 * stride)
    images = drawn(2, *shape)
    rule = {"reorg": reference.reorg, "reorg3d": reference.reorg3d}[name]
    expected = [rule(image, stride, reverse=bool(reverse)) for image in images]
    agrees(module(name, shape, stride=stride, reverse=reverse), images, expected)


def test_the_two_reverses_undo_each_others_forward():
    image = torch.from_numpy(drawn(1, 16, 4, 6))
    first, back = module("reorg3d", (16, 4, 6), stride=2), module("reorg", (64, 2, 3), stride=2, reverse=1)
    assert back(first(image)).equal(image)
    first, back = module("reorg", (16, 4, 6), stride=2), module("reorg3d", (64, 2, 3), stride=2, reverse=1)
    assert back(first(image)).equal(image)


@pytest.mark.parametrize("reverse", [0, 1])
def test_flatten_is_pjreddies(reverse):
    images = drawn(2, 3, 2, 5)
    expected = [reference.flattened(image, reverse=bool(reverse)) for image in images]
    agrees(module("reorg", (3, 2, 5), flatten=1, reverse=reverse), images, expected)


@pytest.mark.parametrize(("size", "stride", "pad"), [(1, 1, 0), (3, 1, 1), (3, 2, 1), (2, 1, 0), (3, 2, 0)])
def test_a_local_layer_has_filters_for_every_cell(size, stride, pad):
    layer = network(
        section("local", filters=3, size=size, stride=stride, pad=pad, activation="linear"), shape=(2, 5, 6)
    )
    declared, part = layer.graph[0].layer, layer.layers[0]
    (_, bias), (_, weight) = declared.arrays(part)
    for array, seed in ((bias, 4), (weight, 5)):
        array.data.copy_(torch.from_numpy(drawn(*array.shape, seed=seed)))
    images, keys = drawn(2, 2, 5, 6), {"filters": 3, "size": size, "stride": stride, "pad": pad}
    flat = [array.detach().double().numpy().reshape(-1) for array in (bias, weight)]
    agrees(part, images, [reference.local(image, *flat, **keys) for image in images], rtol=1e-6, atol=1e-6)


def test_a_local_layer_whose_padding_darknet_miscounts_is_refused():
    assert codes(NET + section("local", size=5, pad=1)) == ["shapes-differ"]
    assert codes(NET + section("local", size=17)) == ["too-small"]


@pytest.mark.parametrize(("size", "stride", "padding"), WINDOWS)
def test_a_deconvolution_adds_kernels(size, stride, padding):
    keys = {"filters": 3, "size": size, "stride": stride, "padding": padding}
    layer = network(section("deconvolutional", activation="linear", **keys), shape=(2, 3, 4))
    (_, bias), (_, weight) = layer.graph[0].layer.arrays(layer.layers[0])
    flat = [array.detach().double().numpy().reshape(-1) for array in (bias, weight)]
    images = drawn(2, 2, 3, 4)
    expected = [reference.deconvolved(image, *flat, **keys) for image in images]
    agrees(layer.layers[0], images, expected, rtol=1e-6, atol=1e-6)


def test_pad_of_a_deconvolution_is_half_its_size():
    text = section("deconvolutional", filters=2, size=5, stride=2, pad=1)
    assert (graph_of(NET + text)[0].shape.height, graph_of(NET + text)[0].shape.width) == (23, 31)
    assert codes(NET + section("deconvolutional", size=1, padding=6)) == ["too-small"]


def test_l2norm_makes_unit_vectors_and_leaves_nothing_at_nothing():
    images = drawn(2, 5, 2, 3)
    agrees(module("l2norm", (5, 2, 3)), images, [reference.unit_vectors(image) for image in images])
    assert module("l2norm", (5, 1, 1))(torch.zeros(1, 5, 1, 1)).equal(torch.zeros(1, 5, 1, 1))


@pytest.mark.parametrize("each_cell", [False, True])
def test_a_product_is_number_by_number(each_cell):
    before = section("convolutional", filters=1, activation="linear") if each_cell else "[avgpool]\n"
    text = CONV + before + section("scale_channels", from_=0, scale_wh=int(each_cell), activation="leaky")
    net = Network(graph_of(NET + text)).double().eval()
    with torch.no_grad():
        first, scales, found = net.trace(torch.from_numpy(drawn(1, 3, 12, 16)))
    expected = reference.scaled(scales[0].numpy(), first[0].numpy(), each_cell=each_cell)
    np.testing.assert_allclose(found[0].numpy(), np.where(expected > 0, expected, 0.1 * expected), rtol=1e-10)


def test_a_product_of_maps_that_do_not_fit_is_refused_with_both_shapes():
    text = NET + CONV + section("convolutional", filters=5) + "{}"
    for name in ("sam", "scale_channels"):
        with pytest.raises(CfgError, match=r"4 x 12 x 16.*5 x 12 x 16|5 x 12 x 16.*4 x 12 x 16"):
            graph_of(text.format(section(name, from_=-2)))


def test_what_is_scaled_keeps_its_stride_and_sees_all_that_its_scales_see():
    half = section("convolutional", filters=4, size=3, pad=1, stride=2)
    text = NET + half + "[avgpool]\n" + section("scale_channels", from_=0) + half
    first, whole, scaled, second = fields(graph_of(text))
    assert (first.stride, scaled.stride, second.stride) == ((2, 2), (2, 2), (4, 4))
    assert scaled.reach == whole.reach


@pytest.mark.parametrize("name", ["mish", "swish", "leaky", "relu"])
def test_an_activation_leaves_the_map_that_it_reads(name):
    text = NET + CONV + section("activation", activation=name) + section("shortcut", from_=0)
    net = Network(graph_of(text)).eval()
    image = torch.rand(1, 3, 12, 16) - 0.5
    with torch.no_grad():
        first, acted, total = net.trace(image)
        assert torch.allclose(net(image)[0], total)
        assert torch.allclose(total, first + acted)
    assert not acted.equal(first)


def test_an_implicit_map_is_the_same_for_every_image_and_lies_around_its_mean():
    net = network(CONV, section("implicit", filters=6, atoms=2, mean=1, std=0.25), shape=(3, 4, 4))
    initialise(net, seed=1)
    found = net(torch.rand(3, 3, 4, 4))[0]
    assert tuple(found.shape) == (3, 6, 2, 1)
    assert found[0].equal(found[2])
    assert 0.75 <= float(found.min()) < float(found.max()) <= 1.25
    found.sum().backward()
    assert net.layers[1].weight.grad.eq(3).all()


@pytest.mark.parametrize(("alpha", "beta"), [(1, 1), (0.5, 1), (1, -2), (0.25, 3)])
@pytest.mark.parametrize(
    ("first", "second"), [((4, 6, 8), (4, 6, 8)), ((2, 6, 8), (5, 6, 8)), ((4, 12, 16), (6, 6, 8))]
)
def test_alpha_and_beta_are_pjreddies(alpha, beta, first, second):
    from darknet_py.ops.shortcut import MapSum

    for here, other in ((first, second), (second, first)):
        maps = [drawn(*shape, seed=seed) for shape, seed in ((here, 1), (other, 2))]
        layer = MapSum(torch.nn.Identity(), plain=here == other, factors=(alpha, beta))
        found = layer(*(torch.from_numpy(one)[None] for one in maps))[0].numpy()
        np.testing.assert_allclose(found, reference.added(*maps, alpha=alpha, beta=beta), rtol=1e-12)


def test_iseg_takes_a_sigmoid_of_its_classes_alone():
    conv = section("convolutional", filters=5, activation="linear")
    net = network(conv, section("iseg", classes=2, ids=3), shape=(3, 4, 4))
    with torch.no_grad():
        raw, found = net.trace(torch.rand(1, 3, 4, 4))
    assert found[:, 2:].equal(raw[:, 2:])
    assert torch.allclose(found[:, :2], raw[:, :2].sigmoid())
    assert codes(NET + CONV + section("iseg", classes=2, ids=3)) == ["bad-filters"]


@pytest.mark.parametrize(("name", "alias"), [("empty", "silence"), ("deconvolutional", "deconv")])
def test_aliases_are_the_sections(name, alias):
    assert graph_of(NET + CONV + f"[{alias}]\n")[1].layer == graph_of(NET + CONV + f"[{name}]\n")[1].layer


# the head of the first YOLO


@pytest.mark.parametrize("squared", [0, 1])
@pytest.mark.parametrize("softmax", [0, 1])
def test_detection_decodes_as_darknet_does(squared, softmax):
    side, num, classes = 3, 2, 4
    keys = {"side": side, "num": num, "classes": classes, "coords": 4, "sqrt": squared, "softmax": softmax}
    count = side * side * (classes + 5 * num)
    vector = section("connected", output=count, activation="linear")
    net = network(vector, section("detection", **keys), shape=(3, 4, 4))
    raw = drawn(2, count, 1, 1)
    boxes, sure, shares = net.graph[1].layer.decode(torch.from_numpy(raw), 96, 160)
    found = torch.cat([boxes, sure[..., None], shares], dim=-1).numpy()
    ways = {"side": side, "num": num, "classes": classes, "squared": squared, "softmax": softmax}
    expected = [list(reference.detected(list(image.reshape(-1)), **ways)) for image in raw]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_detection_says_how_many_numbers_it_needs():
    text = NET + "[connected]\noutput=100\nactivation=linear\n[detection]\nclasses=20\ncoords=4\nnum=2\n"
    with pytest.raises(CfgError) as caught:
        graph_of(text)
    (error,) = caught.value.diagnostics
    assert (error.span.line, error.suggestion) == (6, "1470")
    assert "100 numbers should be 1470 = 7² cells x (2 boxes x 5 + 20 classes)" in error.message
    assert codes(NET + CONV + "[detection]\n") == ["missing-key"]


# weights of another layer

SHARED = (
    section("convolutional", filters=4, size=3, pad=1, batch_normalize=1)
    + section("convolutional", filters=4, size=3, pad=1, batch_normalize=1, dilation=2)
    + section("convolutional", filters=4, size=3, pad=1, batch_normalize=1, share_index=-1)
    + section("convolutional", filters=4, size=3, pad=1, batch_normalize=1, share_index=1, dilation=3)
)


def test_a_layer_that_shares_weights_has_none_of_its_own(tmp_path):
    graph = graph_of(NET + SHARED)
    assert [node.cost.parameters for node in graph] == [3 * 4 * 9 + 16, 4 * 4 * 9 + 16, 0, 0]
    assert graph[2].cost.macs == graph[1].cost.macs > 0
    net, other = Network(graph), Network(graph)
    initialise(net, seed=1)
    save_weights(net, tmp_path / "a.weights")
    load_weights(other, tmp_path / "a.weights")
    for one in (net, other):
        assert one.layers[2].conv.weight is one.layers[1].conv.weight is one.layers[3].conv.weight
        assert one.layers[2].norm is one.layers[1].norm
    image = torch.rand(1, 3, 12, 16)
    assert net.eval()(image)[0].equal(other.eval()(image)[0])
    assert sum(p.numel() for p in net.parameters()) == graph.cost.trainable


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ({"share_index": 1}, "bad-reference"),
        ({"share_index": 7}, "bad-reference"),
        ({"share_index": -3}, "bad-reference"),
        ({"share_index": 0, "filters": 5}, "shapes-differ"),
        ({"share_index": 0, "size": 1}, "shapes-differ"),
        ({"share_index": 0, "batch_normalize": 1}, "shapes-differ"),
    ],
)
def test_weights_that_cannot_be_shared_are_refused(keys, code):
    text = section("convolutional", **{"filters": 4, "size": 3, "pad": 1, "activation": "linear", **keys})
    same = section("convolutional", filters=4, size=3, pad=1)
    assert codes(NET.replace("channels=3", "channels=4") + same + text) == [code]


def test_a_pool_has_no_weights_to_share():
    text = section("convolutional", filters=4, size=3, pad=1) + "[maxpool]\n"
    text += section("convolutional", filters=4, size=3, pad=1, share_index=-1)
    assert codes(NET + text) == ["bad-reference"]


# what is understood and not run


@pytest.mark.parametrize("name", sorted(n for n, cls in CATALOGUE.items() if issubclass(cls, NotExecutable)))
def test_a_layer_that_is_not_run_is_refused_by_name_with_a_reason(name):
    graph = graph_of(NET + CONV + section(name, **({"pad": 1} if name in ("crnn", "conv_lstm") else {})))
    (warning,) = (warning for warning in warnings(graph) if warning.severity == "warning")
    assert (warning.code, warning.span.line) == ("not-run", 10)
    said = rf":10:1: error\[not-run\]: \[{name}\] is understood, and not run here"
    with pytest.raises(CfgError, match=said):
        Network(graph)
    with pytest.raises(Refused):
        graph[1].layer.module(*graph[1].maps)


def test_recurrent_layers_have_darknets_shapes_and_costs():
    flat = "[net]\ninputs=256\n"
    graph = graph_of(flat + section("rnn", output=20, hidden=10, batch_normalize=1))
    assert graph[0].shape.floats == 20
    assert graph[0].cost.parameters == (256 * 10 + 40) + (10 * 10 + 40) + (10 * 20 + 80)
    assert graph_of(flat + section("gru", output=8))[0].cost.parameters == 3 * (256 + 8 + 2) * 8
    assert graph_of(flat + section("lstm", output=8))[0].cost.parameters == 4 * (256 + 8 + 2) * 8
    cell = graph_of(NET + CONV + section("conv_lstm", pad=1, output=6))[1]
    macs = 4 * 9 * (4 * 6 + 6 * 6) * 12 * 16
    assert (cell.cost.macs, cell.cost.others, cell.shape.channels) == (macs, 9 * 6 * 12 * 16, 6)
    more = graph_of(NET + CONV + section("conv_lstm", pad=1, output=6, peephole=1))[1]
    assert more.cost.macs - macs == 3 * 9 * 36 * 12 * 16
    less = graph_of(NET + CONV + section("conv_lstm", pad=1, output=6, bottleneck=1))[1]
    assert less.cost.macs == 9 * (4 * 4 * 6 + 2 * 36) * 12 * 16
    assert graph_of(NET + CONV + section("history", history_size=3))[1].shape.channels == 12
    assert codes(NET + CONV + section("crnn", size=3)) == ["shapes-differ"]


def test_a_binary_convolution_counts_one_operation_for_32():
    plain, binary = (graph_of(NET + CONV + CONV + words)[1] for words in ("", "xnor=1\ngroups=2\n"))
    assert binary.cost.others * 32 == 2 * plain.cost.macs
    assert binary.cost.parameters == plain.cost.parameters, "groups have no meaning there"
    assert binary.cost.macs == 0


def test_numbers_that_are_no_image_are_a_shape_and_not_run():
    graph = graph_of("[net]\ninputs=256\n[connected]\noutput=3\n")
    assert (graph.image.floats, graph[0].cost.parameters) == (256, 256 * 3 + 3)
    with pytest.raises(CfgError, match="inputs=256 is understood, and not run here"):
        Network(graph)
    found = warnings(graph_of(NET.replace("width", "inputs=5\nwidth") + CONV))
    assert [warning.code for warning in found if warning.severity == "warning"] == ["ignored-key"]
