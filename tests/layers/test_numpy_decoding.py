"""Parity. Oracle: the decoding of each head by torch, which `test_heads.py` holds against Darknet's."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from darknet_py import compile
from darknet_py.predict.decode import candidates

GRID, CLASSES = (3, 5), 4
ANCHORED = "mask=2,0\nanchors=10,14, 23,27, 37,58\nnum=3\nclasses=4\n"
HEADS = {  # by name: filters of the layer before, and the section
    "yolo": (18, f"[yolo]\n{ANCHORED}scale_x_y=1.2\n"),
    "yolo with new_coords": (18, f"[yolo]\n{ANCHORED}new_coords=1\nscale_x_y=2\n"),
    "region": (27, "[region]\nanchors=1,2, 3,4, 5,6\nnum=3\nclasses=4\n"),
    "region with softmax": (27, "[region]\nanchors=1,2, 3,4, 5,6\nnum=3\nclasses=4\nsoftmax=1\n"),
    "Gaussian_yolo": (26, f"[Gaussian_yolo]\n{ANCHORED}scale_x_y=1.1\n"),
    "Gaussian_yolo with a corner": (26, f"[Gaussian_yolo]\n{ANCHORED}yolo_point=left_top\n"),
    "detection": (14, "[detection]\nclasses=4\nside=3\nnum=2\ncoords=4\nsqrt=1\n"),
    "detection with softmax": (14, "[detection]\nclasses=4\nside=3\nnum=2\ncoords=4\nsoftmax=1\n"),
}


def graph_of(name: str):
    filters, section = HEADS[name]
    grid = (3, 3) if name.startswith("detection") else GRID
    net = f"[net]\nheight={grid[0] * 8}\nwidth={grid[1] * 8}\nchannels=3\n"
    conv = f"[convolutional]\nfilters={filters}\nsize=8\nstride=8\nactivation=linear\n"
    return compile(f"{net}{conv}{section}")


def raw_of(name: str, *, spread: float = 2.0) -> tuple[object, np.ndarray, tuple[int, int]]:
    graph = graph_of(name)
    shape = graph[1].shape
    draw = np.random.default_rng(0)
    raw = draw.normal(0, spread, (2, shape.channels, shape.height, shape.width)).astype(np.float32)
    return graph[1].layer, raw, (graph.net.height, graph.net.width)


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("threshold", [0.0, 0.3])
@pytest.mark.parametrize("channels_last", [False, True])
def test_predictions_are_what_torch_decodes_above_the_threshold(
    name: str, threshold: float, channels_last: bool
) -> None:
    layer, raw, size = raw_of(name)
    if channels_last:
        raw = np.ascontiguousarray(raw.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    before = raw.copy()
    boxes, objectness, classes = (each.numpy() for each in layer.decode(torch.from_numpy(raw), *size))
    kept = np.nonzero(objectness > threshold)
    found = layer.predictions(raw, size, threshold=threshold)
    assert 0 < len(kept[0]) <= objectness.size
    np.testing.assert_array_equal(found.images, kept[0])
    np.testing.assert_allclose(found.boxes_cxcywh, boxes[kept], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.objectness, objectness[kept], rtol=1e-6)
    np.testing.assert_allclose(found.classes, classes[kept], rtol=1e-5, atol=1e-7)
    assert {each.dtype for each in found[1:]} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(raw, before)


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("spread", [1e3, 1e37])
def test_huge_numbers_are_decoded_without_a_warning(
    name: str, spread: float, recwarn: pytest.WarningsRecorder
) -> None:
    layer, raw, size = raw_of(name, spread=spread)
    expected = [each.numpy() for each in layer.decode(torch.from_numpy(raw), *size)]
    kept = np.nonzero((expected[1] > 0.5) | ~np.isfinite(expected[1]))
    with np.errstate(all="ignore"):
        found = layer.predictions(raw, size, threshold=0.5)
        for mine, theirs in zip(found[1:], expected, strict=True):
            np.testing.assert_allclose(mine, theirs[kept], rtol=1e-5)
    decoded = candidates(graph_of(name), [raw], threshold=0.5)
    assert sum(len(each.scores) + each.dropped for each in decoded) == len(found.images)
    assert not recwarn.list


@pytest.mark.parametrize("name", HEADS)
def test_an_objectness_that_is_not_a_number_is_among_the_predictions(name: str) -> None:
    layer, raw, size = raw_of(name)
    raw[1] = np.nan
    found = layer.predictions(raw, size, threshold=0.5)
    boxes = layer.decode(torch.from_numpy(raw), *size)[1].shape[1]
    assert (found.images == 1).sum() == np.isnan(found.objectness).sum() == boxes
