"""Reference. Oracle: `tests/reference/classification.py`, and central differences of it for gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from darknet_py.cfg.diagnostics import CfgError
from darknet_py.lint.check import warnings
from darknet_py.model.weights import load_weights, save_weights
from tests.layers.nets import module, network, section
from tests.reference import classification as reference

RULES = {"window": reference.normalized, "darknet": reference.normalized_by_darknet}
KEYS = {"alpha": 0.05, "beta": 0.75, "kappa": 1.5}
STEP = 1e-5  # of a central difference; its own error is about its square


def drawn(*shape, seed=3):
    return np.random.default_rng(seed).normal(size=shape)


def central(function, x, weight):
    """The gradient of sum(weight * function(x))."""
    grad = np.empty(x.shape)
    for place in np.ndindex(x.shape):
        ends = []
        for step in (STEP, -STEP):
            moved = x.copy()
            moved[place] += step
            ends.append(float((weight * function(moved)).sum()))
        grad[place] = (ends[0] - ends[1]) / (2 * STEP)
    return grad


def backward(net, x, weight):
    leaf = torch.from_numpy(x).requires_grad_()
    (net(leaf) * torch.from_numpy(weight)).sum().backward()
    return leaf.grad.numpy()


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("channels", [1, 2, 5, 9])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 9, 20])
def test_response_normalisation_is_the_papers_and_darknets(rule, channels, size):
    maps = drawn(2, channels, 2, 3)
    lrn = module("normalization", (channels, 2, 3), size=size, sum=rule, **KEYS).double()
    expected = [RULES[rule](image, size=size, **KEYS) for image in maps]
    np.testing.assert_allclose(lrn(torch.from_numpy(maps)), expected, rtol=1e-10)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("size", [2, 3, 4, 12])
def test_the_gradient_of_response_normalisation_is_that_of_its_formula(rule, size):
    x, weight = drawn(1, 6, 2, 1), drawn(1, 6, 2, 1, seed=5)
    lrn = module("normalization", (6, 2, 1), size=size, sum=rule, **KEYS).double()
    expected = central(lambda maps: RULES[rule](maps[0], size=size, **KEYS)[None], x, weight)
    np.testing.assert_allclose(backward(lrn, x, weight), expected, atol=1e-7)


def test_the_two_sums_differ_by_the_channel_that_darknet_forgets():
    maps = torch.from_numpy(drawn(1, 12, 1, 1))
    one, other = (module("normalization", (12, 1, 1), sum=rule, **KEYS).double()(maps) for rule in RULES)
    apart = ((one - other).abs() > 1e-9).flatten().tolist()
    assert apart == [True] * 12  # missing in channels 0..4, subtracted from 5 on
    alone = module("normalization", (12, 1, 1), sum="window", **KEYS).double()
    maps[0, 2] = 0  # size 5: channel 2 is the one
    assert torch.equal(alone(maps), module("normalization", (12, 1, 1), sum="darknet", **KEYS).double()(maps))


def test_response_normalisation_is_computed_in_float32_where_activations_are_bfloat16():
    lrn = module("normalization", (8, 3, 3), size=5, **KEYS)
    maps = torch.from_numpy(drawn(1, 8, 3, 3)).float()
    exact = lrn(maps)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(lrn(maps), exact)
        narrow = lrn(maps.bfloat16())
    assert narrow.dtype == torch.bfloat16
    assert torch.equal(narrow, lrn(maps.bfloat16().float()).bfloat16())


@pytest.mark.parametrize("normalise", [0, 1])
def test_connected_multiplies_every_number_of_the_map_channel_by_channel(normalise):
    keys = {"output": 4, "activation": "leaky", "batch_normalize": normalise}
    net = network(section("connected", **keys), shape=(3, 2, 5)).double()
    full = net.layers[0].eval()
    maps, bias = drawn(6, 3, 2, 5), np.zeros(4) if normalise else full.linear.bias.detach().numpy()
    expected = reference.connected(maps, full.linear.weight.detach().numpy(), bias)
    if normalise:
        mean, var, scale, shift = drawn(4), drawn(4) ** 2 + 0.5, drawn(4, seed=8), drawn(4, seed=9)
        for array, values in (("running_mean", mean), ("running_var", var), ("weight", scale)):
            getattr(full.norm, array).data.copy_(torch.from_numpy(values))
        full.norm.bias.data.copy_(torch.from_numpy(shift))
        expected = (expected - mean) / np.sqrt(var + 1e-5) * scale + shift
    expected = np.where(expected > 0, expected, 0.1 * expected)
    out = full(torch.from_numpy(maps))
    assert out.shape == (6, 4, 1, 1)
    np.testing.assert_allclose(out.detach()[:, :, 0, 0], expected, rtol=1e-9)


def test_the_gradients_of_connected_are_central_differences():
    full = module("connected", (2, 2, 2), output=3, activation="linear").double()
    weights, bias = full.linear.weight.detach().numpy().copy(), full.linear.bias.detach().numpy().copy()
    maps, cost = drawn(2, 2, 2, 2), drawn(2, 3, seed=5)
    grad = backward(full, maps, cost[:, :, None, None])
    for expected, got in (
        (central(lambda v: reference.connected(v, weights, bias), maps, cost), grad),
        (central(lambda v: reference.connected(maps, v, bias), weights, cost), full.linear.weight.grad),
        (central(lambda v: reference.connected(maps, weights, v), bias, cost), full.linear.bias.grad),
    ):
        np.testing.assert_allclose(got, expected, atol=1e-8)


@pytest.mark.parametrize("normalise", [0, 1])
def test_connected_is_written_biases_first_and_statistics_last(normalise, tmp_path):
    text = section("connected", output=3, activation="linear", batch_normalize=normalise)
    net = network(text, shape=(2, 1, 2))
    full = net.layers[0]
    arrays = [full.norm.bias if normalise else full.linear.bias, full.linear.weight]
    if normalise:
        full.norm.running_mean.uniform_(2, 3)
        arrays += [full.norm.weight, full.norm.running_mean, full.norm.running_var]
    save_weights(net, tmp_path / "a.weights")
    floats = np.fromfile(tmp_path / "a.weights", "<f4", offset=20)
    np.testing.assert_array_equal(floats, np.concatenate([a.detach().numpy().ravel() for a in arrays]))
    other = network(text, shape=(2, 1, 2))
    for parameter in other.parameters():
        torch.nn.init.zeros_(parameter)
    load_weights(other, tmp_path / "a.weights")
    for name, array in net.state_dict().items():
        assert torch.equal(array, other.state_dict()[name]), name


@pytest.mark.parametrize("temperature", [0.5, 1, 4])
def test_softmax_divides_by_its_temperature(temperature):
    logits = drawn(3, 5)
    probabilities = module("softmax", (5, 1, 1), temperature=temperature).double()
    out = probabilities(torch.from_numpy(logits)[:, :, None, None])[:, :, 0, 0]
    np.testing.assert_allclose(out, reference.softmax(logits, temperature), rtol=1e-9)


@pytest.mark.parametrize("training", [False, True])
def test_cost_passes_its_map_on(training):
    maps = torch.from_numpy(drawn(2, 3, 1, 1))
    assert torch.equal(module("cost", (3, 1, 1), type="sse").train(training)(maps), maps)


def test_the_keys_of_cost_that_are_not_honoured_are_told():
    text = section("cost", type="smooth", scale=2)
    (warning,) = warnings(network(section("softmax"), text, shape=(3, 1, 1)).graph)
    assert (warning.severity, warning.code, warning.message) == (
        "warning",
        "ignored-key",
        "scale=2 is read and not honoured",
    )


SHAPE = (3, 9, 12)
IMAGES = torch.rand(16, *SHAPE, generator=torch.Generator().manual_seed(4))
CROP = {"crop_height": 6, "crop_width": 7}


def crops(chosen, *, seed=5, iteration=3, **keys):
    """What [crop] makes in training of images, whose numbers in the data set are 100, 101, ..."""
    net = network(section("crop", **CROP | keys), shape=SHAPE).train()
    net.at(seed=seed, iteration=iteration, samples=[100 + i for i in chosen])
    return net(IMAGES[list(chosen)])[0]


def place(cut, image):
    """(row, column, mirrored) of the one window of an image that a crop is."""
    windows = {
        (row, column, mirrored): image[:, row : row + 6, column : column + 7].flip(-1)
        if mirrored
        else image[:, row : row + 6, column : column + 7]
        for row in range(4)
        for column in range(6)
        for mirrored in (False, True)
    }
    (found,) = [at for at, window in windows.items() if torch.equal(window, cut)]
    return found


@pytest.mark.parametrize(("size", "corner"), [((6, 7), (1, 2)), ((5, 12), (2, 0)), ((9, 11), (0, 0))])
def test_crop_takes_the_middle_in_evaluation_and_never_mirrors_it(size, corner):
    keys = {"crop_height": size[0], "crop_width": size[1], "flip": 1}
    out = module("crop", SHAPE, **keys).eval()(IMAGES)
    (top, left), (high, wide) = corner, size
    assert torch.equal(out, IMAGES[:, :, top : top + high, left : left + wide] * 2 - 1)
    plain = module("crop", SHAPE, noadjust=1, **keys).eval()(IMAGES)
    assert torch.equal(plain, IMAGES[:, :, top : top + high, left : left + wide])


@pytest.mark.parametrize("batch", [1, 4])
def test_the_place_of_a_crop_does_not_depend_on_the_batch(batch):
    parts = [crops(range(start, start + batch), flip=1) for start in range(0, 16, batch)]
    assert torch.equal(torch.cat(parts), crops(range(16), flip=1))


def test_the_place_of_a_crop_depends_on_the_sample_the_seed_and_the_iteration():
    def places(**where):
        return [
            place(cut, image)
            for cut, image in zip(crops(range(16), noadjust=1, **where), IMAGES, strict=True)
        ]

    assert len(set(places())) > 8
    assert places() == places()
    assert places() != places(seed=6)
    assert places() != places(iteration=4)


def test_every_place_is_drawn_and_half_of_the_crops_are_mirrored():
    found = [
        place(cut, image)
        for iteration in range(40)
        for cut, image in zip(crops(range(16), noadjust=1, flip=1, iteration=iteration), IMAGES, strict=True)
    ]
    assert {at[:2] for at in found} == {(row, column) for row in range(4) for column in range(6)}
    share = sum(mirrored for *_, mirrored in found) / len(found)
    assert share == pytest.approx(0.5, abs=4 * (0.25 / len(found)) ** 0.5)
    assert not any(
        place(cut, image)[2] for cut, image in zip(crops(range(16), noadjust=1), IMAGES, strict=True)
    )


def test_a_crop_carries_the_gradient_to_the_cells_it_took():
    leaf = IMAGES[:2].clone().requires_grad_()
    net = network(section("crop", flip=1, **CROP), shape=SHAPE).train()
    net.at(seed=0, iteration=1, samples=[3, 4])
    net(leaf)[0].sum().backward()
    assert leaf.grad.unique().tolist() == [0, 2]
    assert (leaf.grad[:, 0] == 2).sum(dim=(1, 2)).tolist() == [42, 42]


def test_a_window_that_does_not_fit_is_refused():
    with pytest.raises(CfgError) as caught:
        network(section("crop", crop_height=9, crop_width=13), shape=SHAPE)
    (error,) = caught.value.diagnostics
    assert (error.code, error.message) == ("too-small", "a window of 9 x 13 does not fit on a map of 9 x 12")


@pytest.mark.parametrize(("alias", "name"), [("conn", "connected"), ("lrn", "normalization")])
def test_darknets_short_names_are_known(alias, name):
    assert network(section(alias), shape=SHAPE).graph[0].layer.section == name
