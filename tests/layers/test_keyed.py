"""Property. Oracle: the promise that a draw depends on seed, iteration, layer and sample alone."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from darknet_py.losses.truths import Truths
from darknet_py.train.step import Trainer
from tests.layers.nets import module, network, section

SHAPE = (3, 12, 10)
RANDOM = {
    "stochpool": section("stochpool", size=3, stride=2, negatives="softmax"),
    "dropout": section("dropout", probability=0.5),
    "mixpool": section("mixpool", size=3, mode="random"),
    "spp of stochpools": section("spp", sizes="3,5", pool="stochpool"),
}
HERE = {"seed": 5, "iteration": 3}
IMAGES = torch.randn(16, *SHAPE, generator=torch.Generator().manual_seed(4))
NUMBERS = list(range(100, 116))  # of the images in the data set


def run(net, chosen, **where):
    """What a network in training makes of some of the images."""
    net.at(samples=[NUMBERS[i] for i in chosen], **(HERE | where))
    with torch.no_grad():
        return net.train()(IMAGES[list(chosen)])[0]


@pytest.fixture(params=RANDOM.values(), ids=RANDOM)
def net(request):
    return network(request.param, shape=SHAPE)


@pytest.mark.parametrize("batch", [1, 4])
def test_draws_are_the_same_in_batches_of_any_size(net, batch):
    parts = [run(net, range(start, start + batch)) for start in range(0, 16, batch)]
    assert torch.equal(torch.cat(parts), run(net, range(16)))


def test_draws_are_the_same_in_any_order_of_samples(net):
    order = np.random.default_rng(0).permutation(16)
    assert torch.equal(run(net, order), run(net, range(16))[order])


def test_draws_are_the_same_in_any_company(net):
    assert torch.equal(run(net, [3, 9])[0], run(net, [15, 3])[1])


def test_two_forward_passes_of_one_iteration_agree(net):
    first = run(net, range(4))
    net.train()
    assert torch.equal(net(IMAGES[:4])[0], first)


def test_draws_do_not_depend_on_the_state_of_torchs_generator(net):
    torch.manual_seed(1)
    first = run(net, range(4))
    torch.manual_seed(2)
    assert torch.equal(run(net, range(4)), first)


@pytest.mark.parametrize("other", [{"seed": 6}, {"iteration": 4}])
def test_draws_differ_by_seed_and_by_iteration(net, other):
    assert not torch.equal(run(net, range(4)), run(net, range(4), **other))


def test_draws_differ_by_sample(net):
    net.at(samples=[0, 1], **HERE)
    first, second = net.train()(IMAGES[:1].expand(2, *SHAPE))[0]
    assert not torch.equal(first, second)


def test_draws_differ_by_layer():
    pool = section("stochpool", size=1, stride=1)
    branches = [section("dropout"), section("route", layers=-2), section("dropout")]
    both = network(pool, *branches, section("route", layers="-1,-3"), shape=SHAPE)
    out = run(both, range(4))
    assert not torch.equal(out[:, :3], out[:, 3:])


def test_evaluation_does_not_draw(net):
    net.eval()
    assert torch.equal(net(IMAGES)[0], net(IMAGES)[0])


def test_without_at_torchs_generator_is_used(net):
    net.train()
    torch.manual_seed(1)
    first, second = net(IMAGES)[0], net(IMAGES)[0]
    torch.manual_seed(1)
    assert torch.equal(net(IMAGES)[0], first)
    assert not torch.equal(first, second)


def test_dropout_drops_its_share_and_keeps_the_mean():
    drop = module("dropout", (1, 1000, 1000), probability=0.3).train()
    drop.at(seed=0, layer=0, iteration=1, samples=[0])
    out = drop(torch.ones(1, 1, 1000, 1000))
    torch.testing.assert_close(out.unique(), torch.tensor([0, 1 / 0.7]))
    assert (out == 0).float().mean().item() == pytest.approx(0.3, abs=5 * (0.21 / 1e6) ** 0.5)


def test_a_batch_of_another_length_than_announced_is_refused(net):
    net.at(samples=[1, 2, 3], **HERE)
    with pytest.raises(AssertionError, match="`at` got 3 samples, the batch has 2 images"):
        net.train()(IMAGES[:2])


def trained(text, subdivisions):
    """The weights after three updates."""
    net = network(*text, shape=(3, 32, 32), net=f"batch=4\nsubdivisions={subdivisions}")
    trainer = Trainer(net, seed=9)
    images = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(3))
    truths = Truths.of([np.array([[0.4, 0.6, 0.3, 0.5, 1.0]])] * 4)
    for iteration in range(1, 4):
        trainer.step(images, truths, rate=0.01, iteration=iteration, samples=[7, 1, 30, 2])
    return copy.deepcopy(net.state_dict())


def test_subdivisions_do_not_matter_to_random_layers():
    text = [
        section("convolutional", filters=6, size=3, pad=1, activation="leaky"),
        *RANDOM.values(),
        section("convolutional", filters=14, activation="linear"),
        section("yolo", mask="0,1", anchors="8,8, 20,20", num=2, classes=2),
    ]
    whole = trained(text, 1)
    for subdivisions in (2, 4):
        for name, weights in trained(text, subdivisions).items():
            torch.testing.assert_close(weights, whole[name], rtol=0, atol=1e-6)
