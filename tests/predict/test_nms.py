"""Reference and parity: NMS against plain loops of Darknet's kinds, and its default kind against
torchvision's."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch

from darknet_py.boxes import xyxy_from_cxcywh
from darknet_py.predict.nms import NmsSettings, nms
from tests.reference import darknet_detect as reference

KINDS = ["default", "greedynms", "diounms"]


def crowd(count: int, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Boxes in clumps, so that many overlap; scores with many ties and zeros."""
    draw = np.random.default_rng(seed)
    clumps = draw.uniform(0.2, 0.8, size=(5, 4))
    boxes = clumps[draw.integers(5, size=count)] + draw.normal(0, 0.04, size=(count, 4))
    scores = np.round(draw.uniform(-0.5, 1, size=(count, classes)), 1).clip(0)
    return boxes.clip(0.01), scores


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.6, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_each_kind_is_that_of_the_loops(kind, threshold, seed):
    boxes, scores = crowd(60, 3, seed)
    found = nms(boxes, scores, NmsSettings(threshold=threshold, kind=kind, beta=1.3))
    expected = reference.nms(boxes.tolist(), scores.tolist(), threshold, kind, 1.3)
    assert found.scores.tolist() == [score for score, _, _ in expected]
    assert found.labels.tolist() == [label for _, _, label in expected]
    assert np.array_equal(found.boxes_xyxy, xyxy_from_cxcywh(boxes)[[box for _, box, _ in expected]])


@pytest.mark.parametrize("seed", range(3))
def test_the_size_of_blocks_changes_nothing(seed):
    boxes, scores = crowd(100, 1, seed)
    complete = nms(boxes, scores, NmsSettings(threshold=0.5, kind="greedynms"))
    blocks = nms(boxes, scores, NmsSettings(threshold=0.5, kind="greedynms", block=700))
    assert np.array_equal(complete.boxes_xyxy, blocks.boxes_xyxy)


def test_the_default_kind_is_torchvisions():
    ops = pytest.importorskip("torchvision.ops")
    boxes, scores = crowd(200, 1, 7)
    scores = np.random.default_rng(0).random((200, 1))
    corners = xyxy_from_cxcywh(boxes)
    kept = ops.nms(torch.from_numpy(corners), torch.from_numpy(scores[:, 0]), 0.5).numpy()
    assert np.array_equal(nms(boxes, scores, NmsSettings(threshold=0.5)).boxes_xyxy, corners[kept])


def test_our_own_loop_without_distance_is_the_default_kind():
    boxes, scores = crowd(300, 2, 3)
    ours = nms(boxes, scores, NmsSettings(threshold=0.5, kind="diounms", beta=1e9))  # (d²/c²)^beta vanishes
    assert np.array_equal(ours.boxes_xyxy, nms(boxes, scores, NmsSettings(threshold=0.5)).boxes_xyxy)


def test_greedynms_spares_a_neighbour_that_plain_iou_would_not():
    boxes, scores = np.array([[0.5, 0.5, 0.4, 0.4], [0.56, 0.5, 0.4, 0.4]]), np.array([[0.9], [0.8]])
    assert len(nms(boxes, scores, NmsSettings(threshold=0.7))) == 1
    assert len(nms(boxes, scores, NmsSettings(threshold=0.7, kind="greedynms"))) == 2


def test_classes_do_not_suppress_each_other():
    boxes, scores = np.array([[0.5, 0.5, 0.2, 0.2]]), np.array([[0.9, 0.0, 0.7]])
    found = nms(boxes, scores, NmsSettings(threshold=0.1))
    assert found.labels.tolist() == [0, 2]


@pytest.mark.parametrize("kind", KINDS)
def test_no_candidates_are_no_detections(kind):
    for boxes, scores in ((np.zeros((0, 4)), np.zeros((0, 3))), (np.ones((5, 4)), np.zeros((5, 3)))):
        found = nms(boxes, scores, NmsSettings(threshold=0.5, kind=kind))
        assert len(found) == 0
        assert found.boxes_xyxy.shape == (0, 4)


@pytest.mark.parametrize("kind", KINDS)
def test_I03_infinite_and_huge_boxes_end(kind):
    boxes = np.array([[0.5, 0.5, float("inf"), 1.0], [0.5, float("nan"), 1.0, 1.0], [0.5, 0.5, 3e38, 3e38]])
    found = nms(boxes, np.array([[0.9], [0.8], [0.7]]), NmsSettings(threshold=0.5, kind=kind))
    assert found.scores[0].item() == pytest.approx(0.9)


@pytest.mark.parametrize("kind", KINDS)
def test_I02_a_million_candidates_are_cut_in_time_and_not_to_nothing(kind):
    draw = np.random.default_rng(0)
    boxes, scores = draw.random((500_000, 4), np.float32), draw.random((500_000, 2), np.float32)
    start = time.perf_counter()
    found = nms(boxes * 0.2, scores, NmsSettings(threshold=0.45, kind=kind))
    assert time.perf_counter() - start < 60  # half a second on a quiet machine; without the cut, hours
    assert np.bincount(found.labels).min() > 100
    assert found.scores[0] == scores.max()


def test_the_cut_keeps_the_best_of_each_class():
    boxes, scores = crowd(50, 2, 0)
    found = nms(boxes, scores, NmsSettings(threshold=1.0, per_class=3))
    assert np.bincount(found.labels).tolist() == [3, 3]
    assert found.scores.min() >= np.sort(scores, axis=0)[-3:].min()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("each", "in_all"), [(1, None), (2, 5), (20, 12), (1000, 1000)])
def test_what_is_kept_is_the_best_of_all_that_remain(kind, each, in_all):
    boxes, scores = crowd(120, 3, 4)
    found = nms(boxes, scores, NmsSettings(threshold=0.3, kind=kind, keep_per_class=each, keep=in_all))
    seen, expected = [0, 0, 0], []
    for score, box, label in reference.nms(boxes.tolist(), scores.tolist(), 0.3, kind, 0.6):
        seen[label] += 1
        if seen[label] <= each:
            expected.append((score, box, label))
    expected = expected[:in_all]
    assert found.scores.tolist() == [score for score, *_ in expected]
    assert sorted(found.labels.tolist()) == sorted(label for *_, label in expected)


def test_looking_for_the_best_alone_takes_little_time():
    draw = np.random.default_rng(0)
    boxes, scores = draw.random((20_000, 4), np.float32) * 0.02, draw.random((20_000, 80), np.float32)
    start = time.perf_counter()
    found = nms(boxes, scores, NmsSettings(threshold=0.6, keep_per_class=100, keep=1000))
    assert len(found) == 1000
    assert time.perf_counter() - start < 20  # half a second; all that remain take ten times as long
