"""Property. Oracle: the recipe's own promises, and averages of weights worked out in plain numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from darknet_py.cfg.document import Document, parse
from darknet_py.cfg.edits import parse_edits, set_value, set_values
from darknet_py.cfg.shipped import find_cfg
from darknet_py.graph.compile import compile
from darknet_py.lint.check import warnings
from darknet_py.losses.truths import Truths
from darknet_py.model.initialization import initialise
from darknet_py.model.network import Network
from darknet_py.train.fit import describe_changes
from darknet_py.train.recipe import SHORT, apply_recipe
from darknet_py.train.schedule import learning_rate
from darknet_py.train.step import Trainer


def shipped(name: str = "yolov3-tiny") -> Document:
    return parse(find_cfg(name).read_text())


def modern(document: Document, *, fresh: bool = True) -> Document:
    return apply_recipe(compile(document), "modern", fresh=fresh).document


def of(updates: int) -> Document:
    return set_value(shipped(), 0, "max_batches", str(updates))


def test_darknets_recipe_changes_nothing() -> None:
    assert str(apply_recipe(compile(shipped()), "darknet", fresh=True).document) == str(shipped())


def test_what_the_modern_recipe_sets_is_in_the_text_and_compiles_without_a_warning_of_its_own() -> None:
    before, after = shipped(), modern(shipped())
    told = list(describe_changes(before, after))
    assert "[net] policy steps -> sgdr" in told
    assert "layer 16 assigner its default -> simota" in told
    assert "layer 23 scale_x_y its default -> 2" in told
    assert {d.code for d in warnings(compile(after))} <= {d.code for d in warnings(compile(before))}
    assert str(modern(after)) == str(after)


def test_what_a_person_sets_stays() -> None:
    edits = parse_edits("net.mosaic=0,16.iou_loss=giou")
    graph = apply_recipe(compile(set_values(shipped(), edits)), "modern", kept=edits, fresh=True)
    assert not graph.net.mosaic
    assert [graph[head].layer.iou_loss for head in graph.heads] == ["giou", "ciou"]


def test_heads_that_were_trained_keep_the_meaning_of_their_numbers() -> None:
    after = modern(of(300), fresh=False)
    assert "scale_x_y" not in str(after)
    assert compile(after).net.learning_rate < compile(modern(of(300))).net.learning_rate
    assert compile(after).net.frozen_bn
    assert not compile(modern(of(300))).net.frozen_bn


def test_short_trainings_use_adam_and_long_ones_the_cfgs_descent() -> None:
    short, long = compile(modern(of(SHORT - 1))).net, compile(modern(of(SHORT))).net
    assert (short.adam, short.decoupled_decay) == (True, True)
    assert not long.adam
    assert long.learning_rate == compile(shipped()).net.learning_rate


@pytest.mark.parametrize("updates", [1, 7, 300, 9999, 500200])
def test_the_rate_warms_up_in_a_line_and_falls_by_a_cosine_to_its_floor(updates: int) -> None:
    net = compile(modern(of(updates))).net
    rates = [learning_rate(net, i) for i in np.unique(np.linspace(1, updates, 50).astype(int))]
    assert max(rates) <= net.learning_rate
    if updates > 300:
        assert learning_rate(net, net.burn_in // 2) == pytest.approx(net.learning_rate / 2, rel=0.05)
        middle = learning_rate(net, updates // 2)
        assert middle == pytest.approx((net.learning_rate + net.learning_rate_min) / 2, rel=0.01)
        assert rates[-1] == pytest.approx(net.learning_rate_min, rel=1e-3)


def test_a_classifier_is_trained_as_its_cfg_says() -> None:
    assert str(modern(shipped("cifar/zeiler-max"))) == str(shipped("cifar/zeiler-max"))


TINY = """[net]
width=32
height=32
channels=3
batch=2
max_batches=20
learning_rate=0.01
ema_decay=0.9
ema_ramp=4
[convolutional]
batch_normalize=1
filters=18
size=3
stride=16
pad=1
activation=linear
[yolo]
mask=0,1,2
anchors=8,8,16,16,24,24
num=3
classes=1
assigner=simota
iou_loss=ciou
"""


def test_frozen_statistics_stay_and_are_what_training_normalises_by() -> None:
    network = Network(compile(parse(TINY.replace("[net]", "[net]\nfrozen_bn=1"))))
    initialise(network, seed=0)
    norm = next(module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d))
    norm.running_mean.fill_(0.3)
    norm.running_var.fill_(2.0)
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    (evaluated,) = network.eval()(images)
    heard: list[torch.Tensor] = []
    trainer = Trainer(network, seed=0)
    network.layers[-1].register_forward_pre_hook(lambda module, maps: heard.append(maps[0].detach()))
    truths = Truths.of([np.array([[0.4, 0.5, 0.3, 0.3, 0]], np.float32)] * 2)
    weights = norm.weight.detach().clone()
    trainer.step(images, truths, rate=0.01, iteration=1, samples=(0, 1))
    assert torch.equal(heard[0], evaluated)
    assert norm.running_mean.eq(0.3).all()
    assert norm.running_var.eq(2.0).all()
    assert not torch.equal(norm.weight, weights), "scales are learnt all the same"


def test_the_average_of_weights_and_statistics_is_the_plain_one_and_is_what_is_scored() -> None:
    network = Network(compile(parse(TINY)))
    torch.manual_seed(0)
    trainer = Trainer(network, seed=0)
    images = torch.rand(2, 3, 32, 32)
    truths = Truths.of([np.array([[0.4, 0.5, 0.3, 0.3, 0]], np.float32)] * 2)
    mean: dict[str, np.ndarray] = {}
    for iteration in range(1, 8):
        trainer.step(images, truths, rate=0.01, iteration=iteration, samples=(0, 1))
        decay = 0.9 * (1 - math.exp(-(iteration - 1) / 4)) if iteration > 1 else 0.0
        for name, value in network.state_dict().items():
            now = value.double().numpy()
            mean[name] = decay * mean[name] + (1 - decay) * now if name in mean else now
    scored = trainer.scored()
    assert scored is not network
    for name, value in scored.state_dict().items():
        if value.is_floating_point():
            np.testing.assert_allclose(value.numpy(), mean[name], rtol=1e-5, atol=1e-7, err_msg=name)
