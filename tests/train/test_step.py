"""Property. Oracle: sums over images do not depend on how they are cut, and Darknet's update rule by hand."""

from __future__ import annotations

import copy
import itertools

import numpy as np
import pytest
import torch

from darknet_py.errors import NotFinite, UsageError
from darknet_py.losses.truths import Truths
from darknet_py.train.step import Trainer
from tests.layers.nets import network, section

BODY = (
    section("convolutional", filters=8, size=3, stride=2, pad=1, activation="leaky"),
    section("maxpool", size=2, stride=2),
    section("convolutional", filters=8, size=3, pad=1, activation="mish"),
    section("shortcut", from_=-2, weights_type="per_channel", weights_normalization="softmax"),
)
HEAD = {"mask": "0,1", "anchors": "8,8, 20,20", "num": 2, "classes": 2, "ignore_thresh": 0.2}
IMAGES = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(1))
ROWS = [
    np.array([[0.4, 0.6, 0.3, 0.5, 1], [0.42, 0.61, 0.2, 0.2, 0]]),
    np.zeros((0, 5)),
    np.array([[0.9, 0.1, 0.2, 0.15, 0]]),
    np.array([[0.5, 0.5, 0.9, 0.9, 1]]),
]


def trainer(net="", body=BODY, **keys):
    last = section("convolutional", filters=14, activation="linear")
    return Trainer(
        network(*body, last, section("yolo", **HEAD | keys), shape=(3, 32, 32), net=f"batch=4\n{net}")
    )


def weights(one):
    return copy.deepcopy(one.network.state_dict())


def after(one, updates=3, images=IMAGES, rows=ROWS, rate=0.02):
    losses = [one.step(images, Truths.of(rows), rate=rate, iteration=i).loss for i in range(1, updates + 1)]
    return weights(one), losses


def differ(a, b):
    return max((a[name] - b[name]).abs().max().item() for name in a)


@pytest.mark.parametrize("subdivisions", [2, 4])
@pytest.mark.parametrize("keys", [{}, {"iou_loss": "ciou", "iou_thresh": 0.3}], ids=["mse", "ciou"])
def test_subdivisions_do_not_matter(subdivisions, keys):
    whole = trainer(**keys)
    parts = trainer(f"subdivisions={subdivisions}", **keys)
    start = weights(whole)
    (one, _), (other, _) = after(whole), after(parts)
    assert differ(one, start) > 1e-3
    assert differ(one, other) <= 1e-6


def test_without_batch_normalisation_and_overlaps_the_printed_loss_does_not_depend_on_subdivisions():
    (_, one), (_, other) = after(trainer()), after(trainer("subdivisions=4"))
    assert other == pytest.approx(one, rel=1e-5)


@pytest.mark.parametrize("length", [1, 2, 3])
def test_the_last_batch_may_be_smaller(length):
    """Its gradient is the mean over the images that it has, in any number of parts."""
    whole, parts = trainer(), trainer("subdivisions=2")
    (one, _), (other, _) = (after(t, images=IMAGES[:length], rows=ROWS[:length]) for t in (whole, parts))
    assert differ(one, other) <= 1e-6
    (twice, _) = after(trainer(), images=IMAGES[:length].repeat(2, 1, 1, 1), rows=ROWS[:length] * 2)
    assert differ(one, twice) <= 1e-6


@pytest.mark.parametrize("subdivisions", [1, 4])
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_an_image_that_is_not_finite_stops_training_before_anything_is_updated(subdivisions, bad):
    one = trainer(f"subdivisions={subdivisions}")
    one.step(IMAGES, Truths.of(ROWS), rate=0.02, iteration=1)
    before, momentum = weights(one), copy.deepcopy(one.optimizer.state_dict()["state"])
    images = IMAGES.clone()
    images[2, 1, 5, 5] = bad
    with pytest.raises(NotFinite, match="not finite; training stopped before the update"):
        one.step(images, Truths.of(ROWS), rate=0.02, iteration=2)
    assert differ(weights(one), before) == 0
    for number, state in one.optimizer.state_dict()["state"].items():
        assert torch.equal(state["momentum_buffer"], momentum[number]["momentum_buffer"])


def test_an_image_that_is_not_finite_leaves_running_statistics_alone():
    first = section(
        "convolutional", filters=8, size=3, stride=2, pad=1, batch_normalize=1, activation="leaky"
    )
    one = trainer(body=(first, *BODY[1:]))
    one.step(IMAGES, Truths.of(ROWS), rate=0.02, iteration=1)
    before = {name: buffer.clone() for name, buffer in one.network.named_buffers()}
    images = IMAGES.clone()
    images[0, 0, 0, 0] = torch.nan
    with pytest.raises(NotFinite):
        one.step(images, Truths.of(ROWS), rate=0.02, iteration=2)
    for name, buffer in one.network.named_buffers():
        if "running" in name:
            assert torch.equal(buffer, before[name]), name


def test_a_stochastic_pool_does_not_hide_an_image_that_is_not_finite():
    one = trainer(body=(BODY[0], section("stochpool", size=3, stride=2), *BODY[2:]))
    images = IMAGES.clone()
    images[2] = torch.nan
    with pytest.raises(NotFinite):
        one.step(images, Truths.of(ROWS), rate=0.02)


def test_a_layers_learning_rate_multiplies_its_update_alone():
    def with_rate(value):
        first = section("convolutional", filters=8, size=3, stride=2, pad=1, learning_rate=value)
        one = trainer("momentum=0\ndecay=0", body=(first, *BODY[1:]))
        start = weights(one)
        found, _ = after(one, updates=1)
        return {name: found[name] - start[name] for name in found}

    none, plain, double = with_rate(0), with_rate(1), with_rate(2)
    for name, step in plain.items():
        factor = 2 if name.startswith("layers.0.") else 1
        torch.testing.assert_close(double[name], factor * step, rtol=1e-3, atol=1e-7)
        torch.testing.assert_close(none[name], (factor % 2) * step, rtol=1e-3, atol=1e-7)
        assert step.abs().max() > 0


def test_weights_decay_and_biases_and_scales_do_not():
    """Nothing to learn: obj_normalizer=0 and no truths leave the decay alone."""
    norm = section("convolutional", filters=8, size=3, pad=1, batch_normalize=1, activation="leaky")
    one = trainer("momentum=0\ndecay=0.1", body=(*BODY[:2], norm), obj_normalizer=0)
    start = weights(one)
    found, losses = after(one, updates=1, rows=[np.zeros((0, 5))] * 4, rate=0.5)
    assert losses == [0]
    kept = {
        name for name in found if not name.endswith(("conv.weight", "running_mean", "running_var", "tracked"))
    }
    assert {name.split(".", 2)[2] for name in kept} == {"conv.bias", "norm.weight", "norm.bias"}
    for name, value in found.items():
        if name in kept:
            assert torch.equal(value, start[name])
        elif name.endswith("conv.weight"):
            torch.testing.assert_close(value, start[name] * (1 - 0.5 * 0.1))


def test_updates_are_darknets_rule_by_hand():
    """buffer = momentum * buffer + (gradient of the sum) / B + decay * w;  w -= rate * buffer."""
    one, twin = trainer("momentum=0.8\ndecay=0.01"), trainer("momentum=0.8\ndecay=0.01")
    buffers = {name: torch.zeros_like(p) for name, p in twin.network.named_parameters()}
    for iteration, rate in enumerate([0.02, 0.005, 0.03], start=1):
        one.step(IMAGES, Truths.of(ROWS), rate=rate, iteration=iteration)
        still = copy.deepcopy(twin.network)
        Trainer.step(twin, IMAGES, Truths.of(ROWS), rate=0.0, iteration=iteration)  # gradients alone
        with torch.no_grad():
            for (name, p), old in zip(twin.network.named_parameters(), still.parameters(), strict=True):
                assert torch.equal(p, old)
                decay = 0.01 * p if p.dim() > 1 else 0
                buffers[name] = 0.8 * buffers[name] + p.grad + decay
                p -= rate * buffers[name]
    assert differ(weights(one), weights(twin)) <= 1e-6


def test_only_networks_with_yolo_heads_are_trained():
    with pytest.raises(
        UsageError,
        match=r"and those that end in \[softmax\], are trained; this one has no head",
    ):
        Trainer(network(*BODY, shape=(3, 32, 32)))


def test_adam_is_darknets_by_hand():
    """m = B1 m + (1 - B1) d and so on, of gradients summed over the batch; biases decay too."""
    one = trainer("adam=1\nB1=0.8\nB2=0.95\neps=1e-3\ndecay=0.01")
    parameters = list(one.network.parameters())
    m = [torch.zeros_like(p) for p in parameters]
    v = [torch.zeros_like(p) for p in parameters]
    for t in (1, 2, 3):
        before = [p.detach().clone() for p in parameters]
        one.step(IMAGES, Truths.of(ROWS), rate=0.01, iteration=t)
        for k, p in enumerate(parameters):
            d = -(4 * p.grad) - 0.01 * 4 * before[k]
            m[k] = 0.8 * m[k] + 0.2 * d
            v[k] = 0.95 * v[k] + 0.05 * d * d
            step = 0.01 * (m[k] / (1 - 0.8**t)) / ((v[k] / (1 - 0.95**t)).sqrt() + 1e-3)
            assert torch.allclose(p.detach(), before[k] + step, rtol=1e-4, atol=1e-6)


def test_the_average_of_weights_begins_at_half_time_and_is_taken_1000_before_the_end():
    one = trainer("ema_alpha=0.75\nmax_batches=1004")  # half-time 502 is after 4, where it would be taken
    after(one, updates=5)
    assert one.ema.n_averaged == 0
    one, plain = trainer("ema_alpha=0.75\nmax_batches=2004"), trainer()
    own = dict(one.network.named_parameters())
    mean = None
    for iteration in range(1000, 1005):
        for each in (one, plain):
            each.step(IMAGES, Truths.of(ROWS), rate=0.02, iteration=iteration)
        if iteration >= 1002:
            now = {k: p.detach().clone() for k, p in plain.network.named_parameters()}
            mean = now if mean is None else {k: 0.75 * mean[k] + 0.25 * now[k] for k in now}
        if iteration < 1004:
            assert all(torch.equal(own[k], p) for k, p in plain.network.named_parameters())
    for name, parameter in own.items():
        torch.testing.assert_close(parameter.detach(), mean[name], rtol=1e-5, atol=1e-7)
        assert not torch.equal(parameter, now[name])


FROZEN = (
    section("convolutional", filters=8, size=3, stride=2, pad=1, activation="leaky", batch_normalize=1),
    section("convolutional", filters=8, size=3, stride=2, pad=1, activation="leaky", stopbackward=1),
    section("convolutional", filters=8, size=3, pad=1, activation="leaky", batch_normalize=1),
)


def moved(before, after):
    """The layers of which a float has changed, statistics included."""
    return {int(k.split(".")[1]) for k in before if not torch.equal(before[k], after[k])}


def test_layers_up_to_a_stopbackward_rest():
    one = trainer("decay=0.1", body=FROZEN)
    before = weights(one)
    last, _ = after(one)
    assert moved(before, last) == {2, 3}


def test_a_stopbackward_of_many_holds_before_that_iteration():
    body = (FROZEN[0], FROZEN[1].replace("stopbackward=1", "stopbackward=3"), FROZEN[2])
    one = trainer(body=body)
    states = [weights(one)]
    for iteration in (1, 2, 3):
        one.step(IMAGES, Truths.of(ROWS), rate=0.02, iteration=iteration)
        states.append(weights(one))
    assert [moved(a, b) for a, b in itertools.pairwise(states)] == [{2, 3}, {2, 3}, {0, 1, 2, 3}]


def test_nothing_but_frozen_layers_is_refused():
    body = section("convolutional", filters=14, activation="linear", stopbackward=1)
    with pytest.raises(UsageError, match="all weights are frozen, by stopbackward"):
        Trainer(network(body, section("yolo", **HEAD), shape=(3, 32, 32)))


def test_the_averaged_network_has_the_statistics_of_the_other():
    one = trainer("ema_alpha=0.5\nmax_batches=4", body=FROZEN[:1])
    assert trainer().averaged() is None
    after(one, updates=1)
    assert one.averaged() is None, "half-time is iteration 2"
    for iteration in (2, 3, 4):
        one.step(IMAGES, Truths.of(ROWS), rate=0.02, iteration=iteration)
    own, mean = weights(one), one.averaged().state_dict()
    for name, value in own.items():
        same = torch.equal(value, mean[name])
        assert same == ("running" in name or "num_batches" in name), name
