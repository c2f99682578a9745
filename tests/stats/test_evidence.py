"""Reference: which images decide; the oracle of a score without images is the data set without them."""

from __future__ import annotations

import numpy as np
import pytest

from darknet_py.scoring.coco_figures import coco_arrays
from darknet_py.scoring.slices.of_images import of_images
from darknet_py.stats.evidence import choose_images, means_without, nearest_seed, scores_without
from tests.scoring.simulated import simulated_runs


def test_scores_without_images_are_those_of_the_smaller_data_set() -> None:
    runs = simulated_runs(60, 3, runs=2)
    left_out = [(0, 5, 17), (), tuple(range(30))]
    found = scores_without(runs, left_out)
    for column, images in enumerate(left_out):
        keep = np.ones(60, bool)
        keep[list(images)] = False
        for row, one in enumerate(runs):
            expected = coco_arrays(of_images(one, keep)).figures()["ap"]
            assert found[row, column] == pytest.approx(expected, abs=1e-12)


def test_means_without_images_are_those_of_the_others() -> None:
    found = means_without(np.array([[1.0, 0.0, 0.0, 1.0]]), [(0,), (1, 2), (0, 1, 2, 3)])
    assert found[0, :2].tolist() == [pytest.approx(1 / 3), 1.0]
    assert np.isnan(found[0, 2])


def test_images_are_chosen_by_the_effect_and_by_the_distance_of_the_variants() -> None:
    moved = np.zeros((3, 6))
    moved[1] = [0.04, -0.01, 0.0, 0.02, 0.0, -0.05]
    moved[2] = [0.04, -0.06, 0.0, 0.0, 0.0, -0.05]
    chosen = choose_images(moved, [0.40, 0.50, 0.30])
    assert chosen.deciding == ((0, 3), (1,))  # half of +0.1 needs 0.04 + 0.02; half of -0.1 one image
    assert chosen.disagreeing == (1, 5, 0, 3)  # images that move nothing are not listed
    assert chosen.pictures == (0, 3, 1, 5)


def test_an_effect_that_no_images_carry_has_none() -> None:
    assert choose_images(np.array([[0.0, 0.0], [0.1, -0.1]]), [0.1, 0.9]).deciding == ((),)


def test_the_seed_that_is_shown_is_the_one_nearest_to_the_mean() -> None:
    assert nearest_seed(np.array([0.5, 0.1, 0.0])) == 1
