"""Reference, property. Oracle: cross entropy in plain numpy, its central differences, unbroken runs."""

from __future__ import annotations

import copy
import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from darknet_py.cfg.document import parse
from darknet_py.data.formats.labelled.base import ClassFolders
from darknet_py.errors import NotFinite, Stopped, UsageError
from darknet_py.graph.compile import compile
from darknet_py.losses.classification import cross_entropy
from darknet_py.losses.truths import Truths
from darknet_py.train.fit import describe_changes as changed
from darknet_py.train.fit import fit_to_data
from darknet_py.train.loop import train
from darknet_py.train.settings import Settings, TrainingPlan
from darknet_py.train.step import Trainer
from tests.layers.nets import network, section
from tests.reference import classification as reference

CLASSES, SHAPE = 4, (3, 8, 8)
LABELS = np.array([1, 0, 3, 2, 1, 3])
IMAGES = torch.rand(6, *SHAPE, generator=torch.Generator().manual_seed(1))
STEP = 1e-3  # of a central difference, in float32


def truths(labels=LABELS):
    """As a labelled data set gives them: one box, all of the image."""
    return Truths.of([np.array([[0.5, 0.5, 1, 1, label]]) for label in labels])


def trainer(*body, net="", temperature=1, cost=True, **more):
    ends = [section("softmax", temperature=temperature), *([section("cost")] if cost else [])]
    last = section("connected", output=CLASSES, activation="linear")
    return Trainer(network(*body, last, *ends, shape=SHAPE, net=f"batch=6\n{net}"), seed=7, **more)


def weights(one):
    return copy.deepcopy(one.network.state_dict())


def after(one, updates=3, rate=0.05, images=IMAGES):
    losses = [
        one.step(images, truths(), rate=rate, iteration=i, samples=range(40, 46)).loss
        for i in range(1, updates + 1)
    ]
    return weights(one), losses


def differ(a, b):
    return max((a[name] - b[name]).abs().max().item() for name in a)


@pytest.mark.parametrize("classes", [1, 2, 7])
@pytest.mark.parametrize("smoothing", [0, 0.1, 0.5])
def test_the_loss_and_its_gradient_are_numpys(classes, smoothing):
    draw = np.random.default_rng(0)
    logits, labels = draw.normal(size=(5, classes)) * 3, draw.integers(0, classes, 5)
    eps = smoothing if classes > 1 else 0  # with one class there is no other to give it to
    leaf = torch.from_numpy(logits).requires_grad_()
    loss = cross_entropy(leaf, torch.from_numpy(labels)[:, None], torch.ones(5, 1), smoothing=smoothing)
    loss.backward()
    assert loss.item() == pytest.approx(reference.cross_entropy(logits, labels, eps).sum(), rel=1e-9)
    expected = reference.softmax(logits) - reference.smooth_labels(labels, classes, eps)  # p - t
    np.testing.assert_allclose(leaf.grad, expected, atol=1e-12)


@pytest.mark.parametrize("smoothing", [0, 0.1])
def test_a_label_counts_by_its_share_of_the_truth(smoothing):
    """Cross entropy is linear in the truth: the sum of each label's own, times its share. -1 is no label."""
    draw = np.random.default_rng(1)
    logits, shares = (
        draw.normal(size=(4, 5)) * 3,
        np.array([[1, 0, 0], [0.5, 0.5, 0], [0.2, 0.3, 0.5]] * 2)[:4],
    )
    labels = np.array([[2, -1, -1], [0, 4, -1], [1, 1, 3], [3, -1, -1]])  # one label twice
    leaf = torch.from_numpy(logits).requires_grad_()
    cross_entropy(leaf, torch.from_numpy(labels), torch.from_numpy(shares), smoothing=smoothing).backward()
    expected = np.zeros((4, 5))
    for row, (some, parts) in enumerate(zip(labels, shares, strict=True)):
        for label, part in zip(some, parts, strict=True):
            if label >= 0:
                expected[row] += part * reference.smooth_labels([label], 5, smoothing)[0]
    np.testing.assert_allclose(expected.sum(axis=1), 1)
    np.testing.assert_allclose(leaf.grad, reference.softmax(logits) - expected, atol=1e-12)


def test_truths_without_shares_are_whole_and_padding_has_none():
    rows = [
        np.array([[0.5, 0.5, 1, 1, 2.0]]),
        np.array([[0.5, 0.5, 1, 1, 1, 0.25], [0.5, 0.5, 1, 1, 0, 0.75]]),
    ]
    found = Truths.of(rows)
    assert found.labels.tolist() == [[2, -1], [1, 0]]
    assert found.shares.tolist() == [[1, 0], [0.25, 0.75]]
    assert found.part(1, 2).shares.tolist() == [[0.25, 0.75]]


@pytest.mark.parametrize("temperature", [1, 2.5])
@pytest.mark.parametrize("smoothing", [0, 0.1])
def test_an_update_follows_the_gradient_of_the_mean_cross_entropy(temperature, smoothing):
    one = trainer(net=f"momentum=0\ndecay=0\nlabel_smooth_eps={smoothing}", temperature=temperature)
    start = weights(one)
    images, (matrix, bias) = IMAGES.numpy().astype(float), (start[name].numpy() for name in start)

    def loss_of(matrix, bias):
        logits = reference.connected(images, matrix, bias)
        return reference.cross_entropy(logits, LABELS, smoothing, temperature).mean()

    end, (loss,) = after(one, updates=1, rate=1.0)
    assert loss == pytest.approx(loss_of(matrix, bias), rel=1e-5)
    for name, array in zip(start, (matrix, bias), strict=True):
        for place in [(0, 0), (1, 77), (3, 191)] if array.ndim == 2 else [(0,), (2,)]:
            step = np.zeros(array.shape)
            step[place] = STEP
            ends = (
                (loss_of(matrix + s * step, bias) if array is matrix else loss_of(matrix, bias + s * step))
                for s in (1, -1)
            )
            slope = np.subtract(*ends) / (2 * STEP)
            moved = (end[name] - start[name]).numpy()[place]
            assert moved == pytest.approx(-slope, abs=1e-6), (name, place)


CONV = section("convolutional", filters=8, size=3, pad=1, activation="leaky")
NORM = section("convolutional", filters=8, size=3, pad=1, batch_normalize=1, activation="leaky")
POOL = section("stochpool", size=3, stride=2)
DROP = section("dropout", probability=0.4)
LRN = section("normalization", size=5)
CROP = section("crop", crop_height=6, crop_width=7, flip=1)


def test_a_cfg_trains_alike_with_and_without_cost():
    (one, losses), (other, others) = (
        after(trainer(CROP, NORM, POOL, DROP, cost=cost)) for cost in (True, False)
    )
    assert losses == others
    assert differ(one, other) == 0


@pytest.mark.parametrize("subdivisions", [2, 3, 6])
@pytest.mark.parametrize("smoothing", [0, 0.1])
def test_subdivisions_do_not_matter(subdivisions, smoothing):
    body, net = (CROP, CONV, POOL, LRN, DROP), f"label_smooth_eps={smoothing}"
    whole, parts = trainer(*body, net=net), trainer(*body, net=f"{net}\nsubdivisions={subdivisions}")
    start = weights(whole)
    (one, losses), (other, others) = after(whole), after(parts)
    assert differ(one, start) > 1e-3
    assert differ(one, other) <= 1e-6
    assert others == pytest.approx(losses, rel=1e-5)


def test_weights_decay_and_biases_do_not():
    plain, decayed = (after(trainer(net=f"decay={decay}"), updates=1)[0] for decay in (0, 0.5))
    start = weights(trainer())
    matrix, bias = start
    expected = -0.05 * 0.5 * start[matrix]
    torch.testing.assert_close(decayed[matrix] - plain[matrix], expected, rtol=0, atol=1e-6)
    assert torch.equal(decayed[bias], plain[bias])


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("subdivisions", [1, 3])
def test_an_image_that_is_not_finite_stops_training_before_the_update(bad, subdivisions):
    one = trainer(NORM, POOL, DROP, net=f"subdivisions={subdivisions}")
    before, _ = after(one, updates=1)
    images = IMAGES.clone()
    images[4, 1, 2, 2] = bad
    with pytest.raises(NotFinite, match="not finite; training stopped before the update"):
        one.step(images, truths(), rate=0.05, iteration=2, samples=range(40, 46))
    changed = {name for name, array in weights(one).items() if not torch.equal(array, before[name])}
    assert changed <= {"layers.0.norm.num_batches_tracked"}, "which is a count that nothing reads"


def test_in_bfloat16_the_loss_falls_and_the_weights_stay_float32():
    one, exact = trainer(NORM, LRN, precision="bfloat16"), trainer(NORM, LRN)
    start = weights(one)
    end, losses = after(one, updates=40)
    _, exact_losses = after(exact, updates=40)
    assert losses[0] != exact_losses[0], "it is bfloat16 that runs"
    assert losses[0] == pytest.approx(exact_losses[0], rel=0.05)
    assert losses[-1] < 0.3 * losses[0]
    assert all(p.dtype == torch.float32 for p in one.network.parameters())
    assert differ(start, end) > 1e-3


@pytest.mark.parametrize(("keys", "kind"), [({"groups": 2}, "groups"), ({"spatial": 1}, "spatial")])
def test_several_distributions_are_not_trained(keys, kind):
    net = network(section("connected", output=4), section("softmax", **keys), shape=SHAPE)
    with pytest.raises(UsageError, match=f"outputs several distributions.*\n.*{kind}="):
        Trainer(net)


def test_a_network_without_weights_is_not_trained():
    net = network(section("avgpool"), section("softmax"), shape=SHAPE)
    with pytest.raises(UsageError, match="the network has no weights, so there is nothing to train"):
        Trainer(net)


# The cfg follows the data.

NET = "[net]\nwidth=8\nheight=8\nchannels=3\nbatch=4\n"
FULL = section("connected", output=10, activation="linear")
LAST_CONV = section("convolutional", filters=10, size=1, activation="linear")
FIVE = section("convolutional", filters=5, activation="linear")
MIDDLE = section("convolutional", filters=10, size=3, pad=1, activation="leaky")


@pytest.mark.parametrize(
    ("body", "changes"),
    [
        (MIDDLE + FULL, ["layer 1 output 10 -> 3"]),
        (MIDDLE + LAST_CONV + section("avgpool"), ["layer 1 filters 10 -> 3"]),
        (LAST_CONV + section("avgpool") + section("dropout"), ["layer 0 filters 10 -> 3"]),
        (section("connected", activation="linear", output=3), []),
    ],
    ids=["connected", "convolution before avgpool", "dropout between", "fits already"],
)
@pytest.mark.parametrize("ends", ["[softmax]\n", "[softmax]\n[cost]\n"])
def test_the_last_layer_with_weights_follows_the_classes_of_the_data(body, changes, ends):
    graph = fit_to_data(compile(parse(NET + body + ends)), classes=3, images=10, epochs=None)
    told = list(changed(parse(NET + body + ends), graph.document))
    assert told == changes
    assert graph[graph.classifier].shape.floats == 3
    if body.startswith(MIDDLE):
        assert graph[0].shape.channels == 10, "the first convolution has as many filters, and keeps them"


def test_a_softmax_over_a_whole_map_is_not_fitted_by_guess():
    text = NET + LAST_CONV + "[softmax]\n"
    with pytest.raises(UsageError) as caught:
        fit_to_data(compile(parse(text)), classes=3, images=10, epochs=None)
    assert str(caught.value) == (
        "error: layer 1 [softmax] (cfg line 10) has 640 classes, and no layer before it has an output or "
        "filters of that number\n   = set the number of classes by hand"
    )


@pytest.mark.parametrize(
    "body",
    [
        MIDDLE + FIVE + section("route", layers=-2) + FIVE + section("route", layers="-1,-3"),
        MIDDLE + FULL.replace("10", "20") + FULL.replace("10", "5") + section("route", layers="-1,-1"),
        MIDDLE + section("convolutional", filters=10, size=1) + section("shortcut", from_=-2),
        MIDDLE + section("convolutional", filters=5, size=7, stride=7, pad=1) + section("maxpool", stride=2),
    ],
    ids=["two branches", "one twice", "a shortcut", "two cells"],
)
def test_what_two_layers_decide_is_not_fitted_by_guess(body):
    """The first convolution has as many filters as there are classes, and is not the one to change."""
    text = NET.replace("height=8", "height=16") + body + section("avgpool") * ("maxpool" not in body)
    wanted = compile(parse(text + "[softmax]\n"))[-1].shape.floats
    assert wanted == 10
    with pytest.raises(UsageError, match="has 10 classes, and no layer before it"):
        fit_to_data(compile(parse(text + "[softmax]\n")), classes=3, images=10, epochs=None)


# Runs.

RUN = """[net]
width=12
height=12
channels=3
batch=4
subdivisions=2
learning_rate=0.02
max_batches=12
min_crop=12
max_crop=16
angle=5
aspect=.75
label_smooth_eps=0.1
[convolutional]
batch_normalize=1
filters=6
size=3
pad=1
activation=leaky
[stochpool]
size=3
stride=2
[dropout]
probability=.3
[connected]
output=3
activation=linear
[softmax]
[cost]
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    draw = np.random.default_rng(0)
    for split, count in (("train", 5), ("val", 3)):
        for at, name in enumerate(("blue", "green", "red")):
            for k in range(count):
                pixels = draw.integers(0, 120, (14, 13, 3), np.uint8)
                pixels[..., 2 - at] += 130
                file = tmp_path / "data" / split / name / f"{k}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(file)
    return tmp_path / "data"


def plan(data: Path, out: Path, **settings) -> TrainingPlan:
    train_data, val = (ClassFolders(data, split=split) for split in ("train", "val"))
    where = {"out": out, "name": "tiny", "data": "folders"}
    return TrainingPlan(
        compile(parse(RUN)), train_data, val, **where, seed=3, settings=Settings(evaluations=3, **settings)
    )


def left_by(out: Path) -> list[object]:
    """What a run leaves, without the times it took."""
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    result = json.loads((out / "result.json").read_text())
    del result["training"]["seconds"]
    for line in lines:
        line.pop("images_per_second", None)
    return [(out / "final.weights").read_bytes(), (out / "predictions.json").read_bytes(), lines, result]


@pytest.mark.parametrize(("at", "keys"), [(1, ""), (7, "mosaic=1\ncutmix=1\n"), (11, "mixup=1\n")])
def test_a_run_that_was_stopped_ends_like_one_that_was_not(data, tmp_path, at, keys, monkeypatch):
    monkeypatch.setitem(globals(), "RUN", RUN.replace("[convolutional]", f"{keys}[convolutional]"))
    train(plan(data, tmp_path / "whole"))

    def stop(done, total, facts):
        if done == at:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Stopped):
        train(plan(data, tmp_path / "parts"), progress=stop)
    assert (tmp_path / "parts" / f"checkpoint-{at:06d}.safetensors").exists()
    train(plan(data, tmp_path / "parts"))
    assert left_by(tmp_path / "parts") == left_by(tmp_path / "whole")


def test_a_result_is_a_classifiers(data, tmp_path):
    result = train(plan(data, tmp_path / "run"))
    assert result["task"] == "classification"
    assert result["data"]["classes"] == ["blue", "green", "red"]
    assert set(result["scores"]["per_class"]) == {"blue", "green", "red"}
    assert np.sum(result["scores"]["confusion"]) == result["scores"]["images"] == 9
    predictions = json.loads((tmp_path / "run" / "predictions.json").read_text())
    hits = np.array(predictions) == np.repeat([0, 1, 2], 3)
    assert hits.mean() == result["scores"]["top1"]
    assert (tmp_path / "run" / "final.names").read_text() == "blue\ngreen\nred\n"
    curve = [line for line in left_by(tmp_path / "run")[2] if "top1" in line]
    assert [line["iteration"] for line in curve] == [4, 8, 12]
    assert curve[-1]["top1"] == result["scores"]["top1"]
    assert all(0 <= line["train_top1"] <= 1 for line in curve)


def test_training_teaches_what_can_be_learnt(data, tmp_path):
    few = plan(data, tmp_path / "run")
    many = compile(parse(RUN.replace("max_batches=12", "max_batches=60")))
    result = train(TrainingPlan(many, few.train, few.val, few.out, few.name, few.data, seed=1))
    assert result["scores"]["top1"] == 1
