"""Property. Oracle: gradients are sums over images, so they do not depend on how a batch is divided."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from darknet_py.losses.truths import Truths
from darknet_py.train.step import Trainer
from tests.layers.nets import network, section

BATCH = 4
TOLERANCE = 1e-6  # of the norm of each gradient
BODY = (
    section("convolutional", filters=8, size=3, stride=2, pad=1, activation="leaky"),
    section("maxpool", size=2, stride=2),
    section("convolutional", filters=8, size=3, pad=1, activation="mish"),
    section("shortcut", from_=-2, weights_type="per_channel", weights_normalization="softmax"),
)
PIXELS, CELLS = "8,8, 20,20", "1,1, 2.5,2.5"
HEADS = {
    "yolo": ("yolo", 7, {"anchors": PIXELS, "mask": "0,1"}),
    "yolo ciou": ("yolo", 7, {"anchors": PIXELS, "iou_loss": "ciou", "iou_thresh": 0.2, "truth_thresh": 0.6}),
    "yolo smooth": ("yolo", 7, {"anchors": PIXELS, "objectness_smooth": 1, "ignore_thresh": 0.1}),
    "yolo simota": ("yolo", 7, {"anchors": PIXELS, "assigner": "simota", "iou_loss": "ciou"}),
    "yolo neighbours": ("yolo", 7, {"anchors": PIXELS, "assigner": "neighbours", "iou_loss": "giou"}),
    "Gaussian": ("Gaussian_yolo", 11, {"anchors": PIXELS, "iou_thresh": 0.2}),
    "Gaussian ciou": ("Gaussian_yolo", 11, {"anchors": PIXELS, "iou_loss": "ciou", "objectness_smooth": 1}),
    "region": ("region", 7, {"anchors": CELLS}),
    "region v2": ("region", 7, {"anchors": CELLS, "softmax": 1, "bias_match": 1, "rescore": 1}),
}


def images(seed):
    return torch.rand(BATCH, 3, 32, 32, generator=torch.Generator().manual_seed(seed))


def boxes(seed):
    """None to four truths an image."""
    rng = np.random.default_rng(seed)
    return [
        np.column_stack(
            [rng.uniform(0.1, 0.9, (n, 2)), rng.uniform(0.1, 0.6, (n, 2)), rng.integers(2, size=n)]
        )
        for n in (4, 0, 1, 2)
    ]


def gradients(layers, seed, truths, subdivisions, iteration=1):
    """Every gradient of one update."""
    one = Trainer(network(*layers, shape=(3, 32, 32), net=f"batch={BATCH}\nsubdivisions={subdivisions}"))
    one.step(images(seed), truths, rate=0.0, iteration=iteration)
    return {name: p.grad for name, p in one.network.named_parameters()}


def compared(layers, seed, truths, **other):
    whole = gradients(layers, seed, truths, 1, **other)
    for subdivisions in (2, 4):
        parts = gradients(layers, seed, truths, subdivisions, **other)
        for name, gradient in whole.items():
            assert gradient.abs().max() > 0, name
            worst = (parts[name] - gradient).norm() / gradient.norm()
            assert worst <= TOLERANCE, (name, subdivisions, float(worst))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("name", "entries", "keys"), HEADS.values(), ids=HEADS)
def test_the_gradients_of_a_detector(name, entries, keys, seed):
    last = section("convolutional", filters=2 * entries, activation="linear")
    head = section(name, num=2, classes=2, **keys)
    compared((*BODY, last, head), seed, Truths.of(boxes(seed)))


@pytest.mark.parametrize("seed", range(5))
def test_the_gradients_of_two_heads_that_share_out_truths(seed):
    conv = section("convolutional", filters=7, activation="linear")
    keys = {"anchors": PIXELS, "num": 2, "classes": 2, "assigner": "simota", "iou_loss": "ciou"}
    heads = [section("yolo", mask=mask, **keys) for mask in (1, 0)]
    layers = (*BODY, conv, heads[0], section("route", layers=1), conv, heads[1])
    compared(layers, seed, Truths.of(boxes(seed)))


@pytest.mark.parametrize("seed", range(5))
def test_the_gradients_of_a_classifier(seed):
    last = section("convolutional", filters=5, activation="linear"), section("avgpool"), section("softmax")
    truths = Truths.of([np.array([[0.5, 0.5, 1, 1, label]]) for label in (4, 0, 2, 2)])
    compared((*BODY, *last), seed, truths)


def test_with_batch_normalisation_they_do_depend_on_it():
    """A control: statistics are those of a part, as in Darknet."""
    last = (
        section("convolutional", filters=14, activation="linear"),
        section("yolo", **HEADS["yolo"][2], num=2, classes=2),
    )
    norm = section("convolutional", filters=8, size=3, pad=1, activation="leaky", batch_normalize=1)
    with pytest.raises(AssertionError):
        compared((*BODY, norm, *last), 1, Truths.of(boxes(1)))


@pytest.mark.parametrize(("iteration", "early"), [(3199, True), (3200, False)])
def test_the_images_that_a_region_has_seen_follow_from_the_iteration(iteration, early):
    """Of 4 images each: 12,800 of them end the drawing of boxes to anchors, however a batch is divided."""
    last = (
        section("convolutional", filters=14, activation="linear"),
        section("region", anchors=CELLS, num=2, classes=2),
    )
    for subdivisions in (1, 4):
        one = Trainer(
            network(*BODY, *last, shape=(3, 32, 32), net=f"batch={BATCH}\nsubdivisions={subdivisions}")
        )
        nothing = Truths.of([np.zeros((0, 5))] * BATCH)
        deltas = one.step(images(1), nothing, rate=0.0, iteration=iteration).deltas
        assert bool(deltas[0].view(-1, 2, 7, 8, 8)[:, :, :4].any()) == early
