"""Parity and reference: formats there and back, overlaps against plain loops and torchvision."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from darknet_py import boxes
from tests.reference import darknet_detect as reference


def some_boxes_cxcywh(count: int, seed: int = 0) -> torch.Tensor:
    draw = np.random.default_rng(seed)
    return torch.from_numpy(draw.uniform([0, 0, 0.01, 0.01], [1, 1, 0.7, 0.7], size=(count, 4)))


@pytest.mark.parametrize("other", ["xyxy", "xywh"])
def test_a_format_and_back_is_the_same_box(other):
    there, back = getattr(boxes, f"{other}_from_cxcywh"), getattr(boxes, f"cxcywh_from_{other}")
    start = some_boxes_cxcywh(20)
    assert torch.allclose(back(there(start)), start)
    np.testing.assert_array_equal(there(start.numpy()), there(start))
    np.testing.assert_array_equal(back(start.numpy()), back(start))


def test_the_long_way_round_is_the_same_box():
    corners = boxes.xyxy_from_cxcywh(some_boxes_cxcywh(20))
    assert torch.allclose(boxes.xyxy_from_xywh(boxes.xywh_from_xyxy(corners)), corners)


def test_iou_is_that_of_the_loops():
    a, b = some_boxes_cxcywh(12), some_boxes_cxcywh(9, seed=1)
    ours_iou = boxes.iou(boxes.xyxy_from_cxcywh(a), boxes.xyxy_from_cxcywh(b))
    for i, one in enumerate(a.tolist()):
        for j, other in enumerate(b.tolist()):
            assert ours_iou[i, j].item() == pytest.approx(reference.box_iou(one, other), abs=1e-12)


def test_iou_is_torchvisions():
    ops = pytest.importorskip("torchvision.ops")
    a, b = (boxes.xyxy_from_cxcywh(some_boxes_cxcywh(30, seed=seed)) for seed in (2, 3))
    assert torch.allclose(boxes.iou(a, b), ops.box_iou(a, b))


def test_boxes_that_touch_or_have_no_area_overlap_by_zero():
    a = torch.tensor([[0.0, 0.0, 1.0, 1.0], [2.0, 2.0, 2.0, 2.0]])
    b = torch.tensor([[1.0, 0.0, 2.0, 1.0], [2.0, 2.0, 2.0, 2.0]])
    assert boxes.iou(a, b).tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_boxes_that_miss_each_other_twice_overlap_by_zero():
    a, b = torch.tensor([[0.0, 0.0, 1.0, 1.0]]), torch.tensor([[3.0, 3.0, 4.0, 4.0]])
    assert boxes.iou(a, b).item() == 0.0


def test_no_boxes_have_no_overlaps():
    none, some = torch.zeros(0, 4), torch.zeros(3, 4)
    assert boxes.iou(none, some).shape == (0, 3)
    assert boxes.iou(some, none).shape == (3, 0)


def test_a_box_outside_the_image_is_clipped_to_an_empty_one():
    clipped = boxes.clip(np.array([[40.0, -9.0, 50.0, -2.0], [-1.0, -1.0, 99.0, 99.0]]), (20, 30))
    assert clipped.tolist() == [[30.0, 0.0, 30.0, 0.0], [0.0, 0.0, 30.0, 20.0]]
