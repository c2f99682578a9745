"""Parity: AP of weighted images; the oracles are the data sets in which images are really copied."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from darknet_py.scoring.coco_figures import coco_arrays
from darknet_py.scoring.influence import influences
from darknet_py.scoring.matches import Matches
from darknet_py.scoring.matching import match
from darknet_py.scoring.tables import detection_table, truth_table
from darknet_py.scoring.weighted import BLOCK, FIGURE_CELLS, WIDE, _scan, weighted_ap, weighted_class_ap
from tests.scoring.drawn import Results, Truth, drawn
from tests.scoring.simulated import simulated_runs

SEEDS = range(40)


def matched(truth: Truth, results: Results) -> Matches:
    table = truth_table(truth)
    return match(table, detection_table(table, results))


def copied(truth: Truth, results: Results, weights: np.ndarray) -> Matches:
    """The matches of a data set that has each image as often as its weight says."""
    images: list[dict[str, object]] = []
    annotations, detections = [], []
    for image, weight in zip(sorted(one["id"] for one in truth["images"]), weights.tolist(), strict=True):
        for number in range(weight):
            new = {"image_id": 100 * image + number}
            images.append({"id": 100 * image + number, "width": 800, "height": 800, "file_name": "0.png"})
            annotations += [{**one, **new} for one in truth["annotations"] if one["image_id"] == image]
            detections += [{**one, **new} for one in results if one["image_id"] == image]
    numbered = [{**one, "id": number} for number, one in enumerate(annotations, start=1)]
    return matched({**truth, "images": images, "annotations": numbered}, detections)


def equal(found: float, expected: float | None) -> bool:
    return bool(np.isnan(found)) if expected is None else found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_weights_of_one_leave_every_figure(seed: int) -> None:
    matches = matched(*drawn(seed))
    expected = coco_arrays(matches)
    weights = np.ones((len(matches.image_ids), 2), int)
    for figure in FIGURE_CELLS:
        assert equal(weighted_ap(matches, weights, figure)[1], expected.figures()[figure]), figure
    by_class = weighted_class_ap(matches, weights)[:, 0]
    assert all(map(equal, by_class, expected.by_class()))


@pytest.mark.parametrize("seed", SEEDS)
def test_an_image_of_weight_two_is_the_same_as_its_copy(seed: int) -> None:
    truth, results = drawn(seed)
    for number, one in enumerate(results):  # detections of one image with equal scores alternate in copies
        one["score"] += number * 1e-9
    matches = matched(truth, results)
    weights = np.random.default_rng(seed).integers(0, 4, len(matches.image_ids))
    weights[0] = 2
    expected = coco_arrays(copied(truth, results, weights)).figures()
    for figure in FIGURE_CELLS:
        assert equal(weighted_ap(matches, weights[:, None], figure)[0], expected[figure]), figure


def test_many_weightings_are_computed_as_each_alone() -> None:
    (matches,) = simulated_runs(60, 3, runs=1)
    weights = np.random.default_rng(0).integers(0, 3, (60, 50))
    alone = [weighted_ap(matches, weights[:, at : at + 1])[0] for at in range(50)]
    assert weighted_ap(matches, weights).tolist() == pytest.approx(alone, abs=1e-14)


def test_without_images_there_is_no_ap() -> None:
    (matches,) = simulated_runs(10, 2, runs=1)
    assert np.isnan(weighted_ap(matches, np.zeros((10, 1), int))[0])


@pytest.mark.parametrize("seed", SEEDS)
def test_influences_of_all_images_add_up_to_nothing(seed: int) -> None:
    matches = matched(*drawn(seed))
    assert influences(matches).sum() == pytest.approx(0, abs=1e-12)


def test_influences_add_up_to_what_ap_gains_by_other_weights() -> None:
    (matches,) = simulated_runs(400, 2, runs=1, objects=6)
    weights = 1 + np.random.default_rng(0).integers(-1, 2, (400, 200))
    gains = weighted_ap(matches, weights) - weighted_ap(matches, np.ones((400, 1), int))
    expected = influences(matches) @ (weights - 1)
    assert np.corrcoef(gains, expected)[0, 1] > 0.97
    assert np.polyfit(expected, gains, 1)[0] == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("seed", SEEDS[::4])
def test_the_influence_of_a_copy_is_that_of_an_image_that_counts_more_often(seed: int) -> None:
    truth, results = drawn(seed)
    for number, one in enumerate(results):
        one["score"] += number * 1e-9
    matches = matched(truth, results)
    weights = np.random.default_rng(seed).integers(0, 4, len(matches.image_ids))
    weights[0] = 2
    found = influences(matches, "ap", weights)
    assert np.repeat(found, weights) == pytest.approx(influences(copied(truth, results, weights)), abs=1e-12)
    assert not found[weights == 0].any()


@pytest.mark.parametrize("figure", ["ap", "ap75", "ap_small"])
def test_many_weightings_at_once_are_those_one_by_one(figure: str) -> None:
    (matches,) = simulated_runs(60, 3, runs=1)
    weights = np.random.default_rng(1).integers(0, 4, (60, WIDE + 3))
    weights[:, 0] = 0
    together = weighted_ap(matches, weights, figure)
    alone = [weighted_ap(matches, weights[:, [at]], figure)[0] for at in range(weights.shape[1])]
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-12)
    assert np.isnan(together[0])


@pytest.mark.parametrize("rows", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 5 * BLOCK + 3])
@pytest.mark.parametrize("columns", [1, WIDE])
def test_a_scan_by_blocks_is_the_accumulation(rows: int, columns: int) -> None:
    values = np.random.default_rng(rows).integers(-9, 9, (rows, columns))
    np.testing.assert_array_equal(_scan(np.add, values.copy()), np.cumsum(values, axis=0))
    back = values.copy()
    _scan(np.maximum, back[::-1])
    np.testing.assert_array_equal(back[::-1], np.maximum.accumulate(values[::-1], axis=0))


def test_more_hits_than_truths_are_no_crash() -> None:
    (matches,) = simulated_runs(30, 1, runs=1)
    damaged = replace(matches, hits=np.full_like(matches.hits, np.uint64((1 << 40) - 1)))
    assert np.isfinite(weighted_ap(damaged, np.ones((30, 1)))).all()
