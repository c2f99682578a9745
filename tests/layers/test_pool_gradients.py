"""Reference. Oracle: central differences, in float64, of the plain loops of tests/reference."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch

from tests.layers.nets import network, section
from tests.reference import head_pools, pools

STEP = 1e-6
WINDOWS = [{"size": 3, "stride": 2}, {"size": 2, "stride": 1}, {"size": 5, "stride": 3, "padding": 2}]


def rng(seed):
    return np.random.default_rng(seed)


def differences(function, point):
    """The slope of a number by each entry of an array, by central differences."""
    slopes = np.zeros(point.shape)
    for at in np.ndindex(point.shape):
        ends = []
        for step in (STEP, -STEP):
            moved = point.copy()
            moved[at] += step
            ends.append(function(moved))
        slopes[at] = (ends[0] - ends[1]) / (2 * STEP)
    return slopes


def slopes_match(name, keys, image, arrays, formula):
    """Autograd of a section by its map and each of its arrays, and differences of `formula(map, *arrays)`."""
    net = network(section(name, **keys), shape=image.shape).double().train()
    held = [array for _, array in net.graph[0].layer.arrays(net.layers[0])]
    assert len(held) == len(arrays)
    with torch.no_grad():
        for array, numbers in zip(held, arrays, strict=True):
            array.copy_(torch.from_numpy(numbers).view(array.shape))
    x = torch.from_numpy(image)[None].requires_grad_()
    (out,) = net(x)
    pull = rng(99).normal(size=tuple(out.shape[1:]))
    mine = torch.autograd.grad((out[0] * torch.from_numpy(pull)).sum(), [x, *held])
    points = [image, *arrays]
    for i, gradient in enumerate(mine):
        theirs = differences(
            lambda moved, i=i: (formula(*points[:i], moved, *points[i + 1 :]) * pull).sum(), points[i]
        )
        # Central differences lose 1e-6 ** 2 to curvature and 1e-16 / 1e-6 to rounding.
        np.testing.assert_allclose(gradient.numpy().reshape(theirs.shape), theirs, rtol=1e-6, atol=2e-8)


def over_windows(rule, keys):
    stride = keys["stride"], keys["stride"]
    return lambda image: pools.pool(image, rule, keys["size"], stride, keys.get("padding"))


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize(
    "name, own, rule",
    [
        ("softpool", {"temperature": 0.7}, functools.partial(pools.soft, temperature=0.7)),
        ("lsepool", {"r": 3}, functools.partial(pools.log_sum_exp, r=3.0)),
        ("lppool", {"p": 2.5}, functools.partial(pools.power_norm, p=2.5)),
        ("mixpool", {"mode": "add", "alpha": 0.4}, functools.partial(pools.mixed, alpha=0.4)),
        ("medianpool", {"even": "lower"}, functools.partial(pools.median, even="lower")),
        ("medianpool", {"even": "mean"}, pools.median),
    ],
)
def test_the_gradient_by_the_map(name, own, rule, window):
    image = rng(0).normal(size=(2, 6, 5))
    slopes_match(name, own | window, image, [], over_windows(rule, window))


@pytest.mark.parametrize("window", WINDOWS)
def test_the_gradient_of_gempool_by_the_map_and_by_p(window):
    image, p = rng(1).normal(size=(2, 6, 5)), np.array([2.3])
    image[0] = np.abs(image[0]) + 0.05  # a channel without a cell under eps

    def formula(moved, power):
        return over_windows(functools.partial(pools.generalised_mean, p=power[0]), window)(moved)

    slopes_match("gempool", window, image, [p], formula)


@pytest.mark.parametrize("window", WINDOWS)
def test_the_gradient_of_the_gate_by_the_map_and_by_its_weights(window):
    size, stride, padding = window["size"], window["stride"], window.get("padding")
    gate = rng(3).normal(size=size**2)
    slopes_match(
        "mixpool", {"mode": "gated"} | window, rng(2).normal(size=(2, 6, 5)), [gate],
        lambda image, moved: pools.gated(image, moved, size, (stride, stride), padding),
    )  # fmt: skip


@pytest.mark.parametrize("normalize_input", [0, 1])
def test_the_gradient_of_netvlad_by_the_map_and_by_weights_biases_and_centres(normalize_input):
    arrays = rng(4).normal(size=(4, 3)), rng(5).normal(size=4), rng(6).normal(size=(4, 3))
    slopes_match(
        "netvlad", {"clusters": 4, "normalize_input": normalize_input}, rng(7).normal(size=(3, 2, 3)), arrays,
        functools.partial(head_pools.netvlad, normalize_input=normalize_input),
    )  # fmt: skip


def test_the_gradient_of_bilinear_with_itself():
    slopes_match(
        "bilinear", {}, rng(8).normal(size=(3, 2, 3)), [], lambda image: head_pools.bilinear(image, image)
    )


@pytest.mark.parametrize(
    "name, own",
    [
        ("lppool", {"p": 2}), ("lppool", {"p": 3}), ("gempool", {"p": 3}), ("gempool", {"p": 8}),
        ("softpool", {}), ("lsepool", {}), ("medianpool", {}), ("mixpool", {"mode": "gated"}),
        ("blurpool", {}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("value", [0.0, -2.0])
def test_the_gradient_of_a_flat_window_is_finite_in_float32(name, own, value):
    """After a relu whole windows are zeros: a root or a power has no slope there."""
    net = network(section(name, size=3, stride=2, **own), shape=(2, 6, 5)).train()
    x = torch.full((1, 2, 6, 5), value, requires_grad=True)
    (out,) = net(x)
    gradients = torch.autograd.grad(out.sum(), [x, *net.parameters()], allow_unused=True)
    assert out.isfinite().all()
    assert all(gradient.isfinite().all() for gradient in gradients if gradient is not None)


@pytest.mark.parametrize("even", ["mean", "lower"])
@pytest.mark.parametrize("size", [2, 3, 4])
def test_the_whole_gradient_of_a_median_goes_to_cells_that_are_it(even, size):
    image = torch.from_numpy(np.round(rng(9).normal(size=(1, 2, 6, 6)) * 2)).requires_grad_()  # ties
    text = section("medianpool", size=size, stride=size, padding=0, even=even)
    (out,) = network(text, shape=(2, 6, 6))(image)
    for row, column in np.ndindex(tuple(out.shape[2:])):
        (gradient,) = torch.autograd.grad(out[0, 0, row, column], image, retain_graph=True)
        assert gradient.sum().item() == pytest.approx(1)
        cells = image[0, 0, row * size : (row + 1) * size, column * size : (column + 1) * size].flatten()
        ordered = sorted(cells.tolist())
        middles = {ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]}
        assert set(image[gradient != 0].tolist()) <= middles
