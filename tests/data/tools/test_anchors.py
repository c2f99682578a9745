"""Reference. Oracle: Darknet's calc_anchors in loops; planted clusters; a subset of COCO."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from darknet_py.__main__ import main
from darknet_py.data.formats.registry import open_data
from darknet_py.data.tools.anchors import Anchors, anchors_of, k_means, shape_iou, sizes_of
from darknet_py.errors import DataError, UsageError
from tests.data.check.damaged import coco, put
from tests.paths import SHARED_DATA
from tests.reference.anchors import calc_anchors


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("number", [1, 3, 6])
def test_anchors_are_those_of_the_loops(seed: int, number: int) -> None:
    boxes = np.random.default_rng(seed).lognormal(3, 0.8, (150, 2))
    expected, average = calc_anchors([tuple(box) for box in boxes.tolist()], number, seed)
    found = k_means(boxes, number=number, seed=seed)
    np.testing.assert_allclose(found.sizes, expected, rtol=1e-12)
    assert found.average_iou == pytest.approx(average, rel=1e-12)


def test_planted_clusters_are_found() -> None:
    planted = np.array([[10.0, 13.0], [60.0, 30.0], [30.0, 90.0], [200.0, 180.0]])
    draw = np.random.default_rng(1)
    boxes = np.concatenate([size * draw.normal(1, 0.03, (100, 2)) for size in planted])
    found = k_means(draw.permutation(boxes), number=4, seed=3)
    np.testing.assert_allclose(found.sizes, planted, rtol=0.02)
    np.testing.assert_allclose(found.shares, 0.25)
    assert found.average_iou > 0.94


def test_the_iou_of_sizes_is_that_of_boxes_with_one_corner() -> None:
    np.testing.assert_allclose(
        shape_iou(np.array([[2.0, 2.0], [4.0, 1.0]]), np.array([[2.0, 2.0], [1.0, 4.0]])),
        [[1, 2 / 6], [2 / 6, 1 / 7]],
    )


def test_the_same_seed_gives_the_same_anchors() -> None:
    boxes = np.random.default_rng(0).lognormal(3, 1, (400, 2))
    once, again, other = (k_means(boxes, number=5, seed=seed).sizes for seed in (1, 1, 2))
    np.testing.assert_array_equal(once, again)
    assert not np.array_equal(once, other)


def test_sizes_are_pixels_of_the_input_and_crowds_are_left_out(tmp_path: Path) -> None:
    data = open_data(str(coco(tmp_path)), split="train")  # 40 x 30; of three boxes one is a crowd
    np.testing.assert_allclose(sizes_of(data, width=80, height=90), [[20, 15], [40, 60]])
    found = anchors_of(data, number=2, width=80, height=90)
    assert found.line(80) == "anchors = 20,15, 40,60"
    assert (found.boxes, found.average_iou) == (2, 1.0)


def test_a_network_of_few_pixels_has_anchors_in_fractions_as_darknet_prints_them() -> None:
    found = Anchors(sizes=np.array([[1.25, 2.5]]), shares=np.ones(1), average_iou=1.0, boxes=1)
    assert found.line(13) == "anchors = 1.2500,2.5000"


def test_more_anchors_than_sizes_are_refused() -> None:
    with pytest.raises(UsageError, match="3 anchors were asked for, and there are 2 sizes of boxes"):
        k_means(np.array([[1.0, 2.0], [1.0, 2.0], [3.0, 4.0]]), number=3)


def test_D20_data_without_boxes_is_refused(tmp_path: Path) -> None:
    content = json.loads((coco(tmp_path) / "annotations" / "instances_train.json").read_text())
    put(tmp_path / "annotations" / "instances_train.json", json.dumps({**content, "annotations": []}))
    with pytest.raises(DataError, match="has no box"):
        anchors_of(open_data(str(tmp_path), split="train"), number=2, width=32, height=32)


def test_rounds_improve_on_the_first_centres_and_tries_on_one_seed() -> None:
    if not (SHARED_DATA / "coco-mini").is_dir():
        pytest.skip("coco-mini is not beside this checkout")
    data = open_data(str(SHARED_DATA / "coco-mini"), split="train")
    sizes = sizes_of(data, width=416, height=416)
    drawn = sizes[np.random.default_rng(0).choice(len(sizes), 6, replace=False)]
    one, best = (anchors_of(data, number=6, width=416, height=416, tries=tries) for tries in (1, 8))
    assert shape_iou(sizes, drawn).max(axis=1).mean() < one.average_iou < best.average_iou
    assert best.average_iou == k_means(sizes, number=6, seed=best.seed).average_iou
    assert 0 < best.seed < 8


def test_the_verb_prints_a_line_to_paste(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["data", "anchors", str(coco(tmp_path)), "--num", "2", "--width", "80", "--height", "90"]
    assert main(words) == 0
    assert capsys.readouterr().out.splitlines() == [
        "anchors = 20,15, 40,60",
        "num=2, width=80, height=90, seed 0: 2 boxes, average IoU 100.00 %",
        "    20 x 15      50.0 % of the boxes",
        "    40 x 60      50.0 % of the boxes",
    ]
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "anchors": [[20.0, 15.0], [40.0, 60.0]],
        "shares": [0.5, 0.5],
        "average_iou": 1.0,
        "boxes": 2,
        "width": 80,
        "height": 90,
        "seed": 0,
    }
    assert main([*words[:4], "9", *words[5:]]) == 2
