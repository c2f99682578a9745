"""Reference. Oracle: plain loops written from what Darknet's layers do with each of their boxes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from darknet_py.lint.check import warnings
from darknet_py.predict.decode import candidates
from tests.layers.nets import network, section

NET = (96, 160)  # height, width in pixels
GRID = (3, 5)  # rows, columns
ANCHORS = [(10, 14), (37, 58), (81, 30), (120, 90)]
CLASSES = 3
HEADS = {"yolo": 4, "Gaussian_yolo": 8, "region": 4}  # and their coordinates


def sigmoid(value):
    return 1 / (1 + math.exp(-value))


def net_with(name, **keys):
    """A network that is a convolution and a head that fits it."""
    boxes = len(keys["mask"].split(",")) if "mask" in keys else len(ANCHORS)
    entries = (9 if name == "Gaussian_yolo" else 5) + CLASSES
    conv = section("convolutional", filters=boxes * entries, size=1, activation="linear")
    anchors = ", ".join(f"{w},{h}" for w, h in ANCHORS)
    text = section(name, anchors=anchors, num=len(ANCHORS), classes=CLASSES, **keys)
    return network(conv, text, shape=(3, *GRID))


def head(name, **keys):
    """A head behind a convolution that fits it."""
    return net_with(name, **keys).graph[1].layer


def raw_map(boxes, *, logistic=False, coordinates=4):
    raw = np.random.default_rng(5).normal(size=(2, boxes * (coordinates + 1 + CLASSES), *GRID)) * 1.5
    return 1 / (1 + np.exp(-raw)) if logistic else raw


def yolo_boxes(image, mask, scale, new_coords):
    """(x, y, w, h, objectness, classes...) of every box: rows, columns, anchors."""
    for row in range(GRID[0]):
        for column in range(GRID[1]):
            for n, m in enumerate(mask):
                entry = image[n * (5 + CLASSES) : (n + 1) * (5 + CLASSES), row, column]
                x, y, w, h, *rest = (
                    entry
                    if new_coords
                    else [value if e in (2, 3) else sigmoid(value) for e, value in enumerate(entry)]
                )
                x, y = (value * scale - 0.5 * (scale - 1) for value in (x, y))
                w, h = (value**2 * 4 if new_coords else math.exp(value) for value in (w, h))
                place = (column + x) / GRID[1], (row + y) / GRID[0]
                yield (*place, w * ANCHORS[m][0] / NET[1], h * ANCHORS[m][1] / NET[0], *rest)


def gaussian_boxes(image, mask, scale, point):
    """(x, y, w, h, objectness, classes as far as they are certain) of every box."""
    shift = {"center": 0, "left_top": 0.5, "right_bottom": -0.5}[point]
    for row in range(GRID[0]):
        for column in range(GRID[1]):
            for n, m in enumerate(mask):
                x, ux, y, uy, w, uw, h, uh, o, *classes = image[
                    n * (9 + CLASSES) : (n + 1) * (9 + CLASSES), row, column
                ]
                w, h = math.exp(w) * ANCHORS[m][0] / NET[1], math.exp(h) * ANCHORS[m][1] / NET[0]
                x, y = (sigmoid(value) * scale - 0.5 * (scale - 1) for value in (x, y))
                x, y = (column + x) / GRID[1] + shift * w, (row + y) / GRID[0] + shift * h
                warning = sum(sigmoid(u) for u in (ux, uy, uw, uh)) / 4
                yield (x, y, w, h, sigmoid(o), *(sigmoid(c) * (1 - warning) for c in classes))


def region_boxes(image, softmax):
    for row in range(GRID[0]):
        for column in range(GRID[1]):
            for n, (aw, ah) in enumerate(ANCHORS):
                x, y, w, h, o, *classes = image[n * (5 + CLASSES) : (n + 1) * (5 + CLASSES), row, column]
                if softmax:
                    total = sum(math.exp(c) for c in classes)
                    classes = [math.exp(c) / total for c in classes]
                place = (column + sigmoid(x)) / GRID[1], (row + sigmoid(y)) / GRID[0]
                yield (*place, math.exp(w) * aw / GRID[1], math.exp(h) * ah / GRID[0], sigmoid(o), *classes)


def decoded(layer, raw):
    """(N, B, 5 + K), in float64."""
    boxes, objectness, classes = layer.decode(torch.from_numpy(raw), *NET)
    return torch.cat([boxes, objectness.unsqueeze(2), classes], dim=2).numpy()


@pytest.mark.parametrize("mask", ["0,1,2,3", "1,2", "3,0"])
@pytest.mark.parametrize("scale", [1.0, 1.05, 2.0])
@pytest.mark.parametrize("new_coords", [0, 1])
def test_yolo_decodes_as_darknet_rows_columns_anchors(mask, scale, new_coords):
    layer = head("yolo", mask=mask, scale_x_y=scale, new_coords=new_coords)
    numbers = [int(m) for m in mask.split(",")]
    raw = raw_map(len(numbers), logistic=bool(new_coords))
    theirs = [list(yolo_boxes(image, numbers, scale, new_coords)) for image in raw]
    np.testing.assert_allclose(decoded(layer, raw), theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("new_coords", [0, 1])
def test_yolo_holds_what_darknets_layer_holds(new_coords):
    layer = head("yolo", mask="1,2", scale_x_y=1.2, new_coords=new_coords)
    raw = raw_map(2, logistic=bool(new_coords))
    held = layer.activate(torch.from_numpy(raw)).numpy()
    for channel in range(raw.shape[1]):
        entry = channel % (5 + CLASSES)
        for place in np.ndindex(2, *GRID):
            value = raw[place[0], channel, place[1], place[2]]
            value = value if new_coords or entry in (2, 3) else sigmoid(value)
            value = value * 1.2 - 0.1 if entry < 2 else value
            assert held[place[0], channel, place[1], place[2]] == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("softmax", [0, 1])
def test_region_decodes_as_darknet_anchors_in_cells(softmax):
    layer, raw = head("region", softmax=softmax), raw_map(len(ANCHORS))
    theirs = [list(region_boxes(image, softmax)) for image in raw]
    np.testing.assert_allclose(decoded(layer, raw), theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("mask", ["0,1,2,3", "3,0"])
@pytest.mark.parametrize("scale", [1.0, 1.1])
@pytest.mark.parametrize("point", ["center", "left_top", "right_bottom"])
def test_gaussian_yolo_decodes_as_darknet(mask, scale, point):
    layer = head("Gaussian_yolo", mask=mask, scale_x_y=scale, yolo_point=point)
    numbers = [int(m) for m in mask.split(",")]
    raw = raw_map(len(numbers), coordinates=8)
    theirs = [list(gaussian_boxes(image, numbers, scale, point)) for image in raw]
    np.testing.assert_allclose(decoded(layer, raw), theirs, rtol=1e-9, atol=1e-12)


def test_a_gaussian_box_is_found_by_its_objectness_and_scored_by_its_certainty():
    net, raw = net_with("Gaussian_yolo"), raw_map(len(ANCHORS), coordinates=8)
    theirs = np.array(list(gaussian_boxes(raw[0], range(4), 1.0, "center")))
    theirs = theirs[theirs[:, 4] > 0.3]
    scores = theirs[:, 4:5] * theirs[:, 5:]
    found = candidates(net.graph, [raw], threshold=0.3)[0]
    assert 0 < (scores > 0.3).sum() < scores.size
    np.testing.assert_allclose(found.scores, np.where(scores > 0.3, scores, 0), rtol=1e-9)


@pytest.mark.parametrize("name", HEADS)
def test_decoding_leaves_the_raw_map_as_it_was(name):
    layer, raw = head(name), torch.from_numpy(raw_map(len(ANCHORS), coordinates=HEADS[name]))
    before = raw.clone()
    layer.decode(raw, *NET)
    layer.activate(raw)
    assert torch.equal(raw, before)


@pytest.mark.parametrize("name", HEADS)
def test_a_head_decodes_channels_last_maps_alike(name):
    layer, raw = head(name), torch.from_numpy(raw_map(len(ANCHORS), coordinates=HEADS[name]))
    for mine, theirs in zip(
        layer.decode(raw.contiguous(memory_format=torch.channels_last), *NET),
        layer.decode(raw, *NET),
        strict=True,
    ):
        torch.testing.assert_close(mine, theirs)


def test_yolo_anchors_are_pixels_and_region_anchors_are_cells():
    """At another input size a yolo box is another fraction of the image, a region box the same."""
    raw = torch.zeros(1, len(ANCHORS) * (5 + CLASSES), *GRID)
    yolo, region = head("yolo"), head("region")
    small, large = (yolo.decode(raw, size, size)[0][0, 0, 2:] for size in (100, 200))
    torch.testing.assert_close(small, 2 * large)
    assert torch.equal(region.decode(raw, 100, 100)[0], region.decode(raw, 200, 200)[0])


def test_mask_and_anchors_follow_num():
    """Darknet: all anchors are this head's, and .5 where none are given."""
    conv = section("convolutional", filters=2 * (5 + CLASSES), size=1, activation="linear")
    layer = network(conv, section("yolo", num=2, classes=CLASSES), shape=(3, *GRID)).graph[1].layer
    assert (layer.mask, layer.anchors) == ((0, 1), (0.5,) * 4)


@pytest.mark.parametrize("loss", ["mse", "ciou"])
@pytest.mark.parametrize("point", ["center", "left_top", "right_bottom"])
def test_corners_that_are_taught_by_overlaps_are_a_warning(point, loss):
    """Darknet's gradient is not a corner's: on four pictures boxes grew to hundreds of times the image."""
    found = [
        d
        for d in warnings(net_with("Gaussian_yolo", yolo_point=point, iou_loss=loss).graph)
        if "iou_loss" in d.message
    ]
    assert [d.message for d in found] == (
        [f"yolo_point={point} with iou_loss=ciou"] if point != "center" and loss == "ciou" else []
    )
