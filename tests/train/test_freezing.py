"""Property. Oracle: which layers Darknet's GPU code updates (format page, 2), seen by what changes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from darknet_py.errors import UsageError
from darknet_py.losses.truths import Truths
from darknet_py.train.freezing import trainable_layers
from darknet_py.train.step import Trainer
from tests.layers.nets import network, section

IMAGES = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
TRUTHS = Truths.of([np.array([[0.4, 0.6, 0.3, 0.5, 1]]), np.array([[0.5, 0.5, 0.9, 0.9, 0]])])
HEAD = {"mask": "0,1", "anchors": "8,8, 20,20", "num": 2, "classes": 2}


def trainer(*keys: dict[str, object], net: str = "", head: dict[str, object] | None = None) -> Trainer:
    """Four convolutions with batch normalisation, but for the last, each with its own keys, and a head."""
    body = [
        section(
            "convolutional", filters=6, size=3, stride=2, pad=1, activation="leaky", batch_normalize=1, **one
        )
        for one in keys[:-1]
    ]
    body.append(section("convolutional", filters=14, activation="linear", **keys[-1]))
    last = section("yolo", **HEAD | (head or {}))
    return Trainer(network(*body, last, shape=(3, 32, 32), net=f"batch=2\ndecay=0.1\n{net}"))


def state(one: Trainer) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in one.network.state_dict().items()}


def moved(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor], *, statistics: bool) -> set[int]:
    """The layers of which a weight has changed, or a running statistic."""
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    return {
        int(name.split(".")[1]) for name in changed if ("running" in name) == statistics and "num" not in name
    }


def updated(one: Trainer, iterations: range) -> list[tuple[set[int], set[int]]]:
    """Layers whose weights, and whose statistics, change in each iteration."""
    states = [state(one)]
    for iteration in iterations:
        one.step(IMAGES, TRUTHS, rate=0.02, iteration=iteration)
        states.append(state(one))
    pairs = itertools.pairwise(states)
    return [(moved(a, b, statistics=False), moved(a, b, statistics=True)) for a, b in pairs]


def test_without_keys_everything_learns() -> None:
    assert updated(trainer({}, {}, {}), range(1, 3)) == [({0, 1, 2}, {0, 1})] * 2


def test_up_to_a_train_only_bn_weights_rest_and_statistics_move() -> None:
    """Darknet's name for it misleads: scales and biases rest too."""
    assert updated(trainer({}, {"train_only_bn": 1}, {}), range(1, 3)) == [({2}, {0, 1})] * 2


def test_nothing_passes_back_through_an_onlyforward() -> None:
    assert updated(trainer({}, {"onlyforward": 1}, {}), range(1, 3)) == [({2}, {0, 1})] * 2


def test_only_the_branch_of_an_onlyforward_is_cut_off() -> None:
    conv = {"filters": 14, "size": 3, "stride": 4, "pad": 1, "activation": "linear"}
    body = (
        section("convolutional", filters=3, size=3, pad=1, activation="leaky"),
        section("convolutional", **conv),
        section("route", layers=-2, onlyforward=1),
        section("convolutional", **conv),
        section("shortcut", from_=-3),
    )
    one = Trainer(network(*body, section("yolo", **HEAD), shape=(3, 32, 32), net="batch=2"))
    cut = Trainer(
        network(*body, section("yolo", **HEAD), shape=(3, 32, 32), net="batch=2").requires_grad_(True)
    )
    assert updated(one, range(1, 2)) == [({0, 1, 3}, set())]
    whole = [text.replace("onlyforward=1", "") for text in body]
    plain = Trainer(network(*whole, section("yolo", **HEAD), shape=(3, 32, 32), net="batch=2"))
    for each in (cut, plain):
        each.step(IMAGES, TRUTHS, rate=0.0, iteration=1)
    by_both, by_one = (dict(each.network.named_parameters()) for each in (plain, cut))
    torch.testing.assert_close(by_one["layers.1.conv.weight"].grad, by_both["layers.1.conv.weight"].grad)
    assert not torch.allclose(by_one["layers.0.conv.weight"].grad, by_both["layers.0.conv.weight"].grad)


def test_a_head_that_says_onlyforward_is_not_taught() -> None:
    conv = section("convolutional", filters=14, activation="linear")
    body = (
        section("convolutional", filters=6, size=3, pad=1, stride=8, activation="leaky"),
        conv,
        section("yolo", **HEAD, onlyforward=1),
        section("route", layers=0),
        conv,
        section("yolo", **HEAD),
    )
    one = Trainer(network(*body, shape=(3, 32, 32), net="batch=2"))
    assert updated(one, range(1, 2)) == [({0, 4}, set())]
    deltas = one.step(IMAGES, TRUTHS, rate=0.0, iteration=2).deltas
    assert not deltas[0].any()
    assert deltas[1].any()


def test_a_dont_update_rests_up_to_its_iteration() -> None:
    rest, learn = ({0, 2}, {0, 1}), ({0, 1, 2}, {0, 1})
    assert updated(trainer({}, {"dont_update": 2}, {}), range(1, 5)) == [rest, rest, learn, learn]


def test_a_burnin_update_rests_for_so_many_times_the_warm_up() -> None:
    rest, learn = ({0, 2}, {0, 1}), ({0, 1, 2}, {0, 1})
    one = trainer({}, {"burnin_update": 2}, {}, net="burn_in=2\nmax_batches=50")
    assert updated(one, range(1, 6)) == [rest, rest, rest, learn, learn]


def test_a_learning_rate_of_zero_keeps_a_layer_as_it_is() -> None:
    assert updated(trainer({}, {"learning_rate": 0}, {}), range(1, 3)) == [({0, 2}, {0, 1})] * 2


def test_weights_are_clipped_after_an_update_and_biases_are_not() -> None:
    one, free = trainer({"clip": 0.05}, {}, {}), trainer({}, {}, {})
    for each in (one, free):
        each.step(IMAGES, TRUTHS, rate=0.5, iteration=1)
    clipped, whole = (each.network.layers[0] for each in (one, free))
    assert torch.equal(clipped.conv.weight, whole.conv.weight.clamp(-0.05, 0.05))
    assert whole.conv.weight.abs().max() > 0.05
    assert torch.equal(clipped.norm.weight, whole.norm.weight)
    assert torch.equal(one.network.layers[1].conv.weight, free.network.layers[1].conv.weight)


@pytest.mark.parametrize(
    "keys",
    [
        {"onlyforward": 1},
        {"train_only_bn": 1},
        {"stopbackward": 1},
        {"dont_update": 10},
        {"stopbackward": 11},
    ],
    ids=str,
)
def test_a_training_in_which_nothing_ever_learns_is_refused(keys: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="all weights are frozen, by stopbackward, onlyforward"):
        trainer(keys, net="max_batches=10")


def test_a_training_whose_only_head_is_not_taught_is_refused() -> None:
    with pytest.raises(UsageError, match="all weights are frozen"):
        trainer({}, {}, head={"onlyforward": 1})


def test_a_classifier_whose_softmax_says_onlyforward_is_refused() -> None:
    body = section("convolutional", filters=3, activation="linear"), section("avgpool")
    with pytest.raises(UsageError, match="all weights are frozen"):
        Trainer(network(*body, section("softmax", onlyforward=1), shape=(3, 8, 8)))
    Trainer(network(*body, section("softmax"), shape=(3, 8, 8)))


def test_layers_that_no_head_depends_on_do_not_learn() -> None:
    conv = section("convolutional", filters=14, activation="linear")
    dead = section("route", layers=0), conv
    graph = network(conv, *dead, section("route", layers=0), section("yolo", **HEAD), shape=(3, 8, 8)).graph
    assert trainable_layers(graph, 1) == {0, 3, 4}


def test_a_frozen_head_is_counted_and_trained_around() -> None:
    conv = section("convolutional", filters=6, size=3, stride=2, pad=1, activation="leaky", batch_normalize=1)
    raw, head = section("convolutional", filters=14, activation="linear"), section("yolo", **HEAD)
    frozen = section("yolo", **HEAD, stopbackward=1)
    built = network(
        conv, raw, frozen, section("route", layers=-3), conv, raw, head, shape=(3, 32, 32), net="batch=2"
    )
    one = Trainer(built)
    assert updated(one, range(1, 3)) == [({4, 5}, {4})] * 2
    assert one.step(IMAGES, TRUTHS, rate=0.0).loss > 0


def test_frozen_weights_are_not_clipped() -> None:
    built = trainer({"clip": 0.001, "stopbackward": 1}, {"clip": 0.001}, {})
    before = state(built)
    built.step(IMAGES, TRUTHS, rate=0.02, iteration=1)
    assert torch.equal(state(built)["layers.0.conv.weight"], before["layers.0.conv.weight"])
    assert state(built)["layers.1.conv.weight"].abs().max() <= 0.001
