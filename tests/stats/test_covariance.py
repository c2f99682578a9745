"""Reference: the noise of images; the oracle of derivatives is the bootstrap, of the bootstrap drawn data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from darknet_py.errors import DataError
from darknet_py.scoring.coco_figures import coco_arrays
from darknet_py.scoring.weighted import weighted_ap
from darknet_py.stats.covariance import (
    bootstrap_covariance,
    choose_method,
    covariance_of_matches,
    covariance_of_means,
    resample_counts,
)
from tests.scoring.simulated import simulated_runs

CONTRAST = np.array([0.5, 0.5, -1.0])


def test_derivatives_give_the_bootstraps_noise_where_images_are_many() -> None:
    runs = simulated_runs(800, 3, runs=3)
    found = covariance_of_matches(runs, method="influence")
    expected = bootstrap_covariance(runs, resamples=1500)
    ratio = np.sqrt(found.covariance.diagonal() / expected.diagonal())
    assert ratio == pytest.approx(1, abs=0.06)
    of_difference = np.sqrt(CONTRAST @ found.covariance @ CONTRAST / (CONTRAST @ expected @ CONTRAST))
    assert of_difference == pytest.approx(1, abs=0.06)


def test_noise_is_that_of_data_sets_drawn_anew() -> None:
    aps = []
    for seed in range(150):
        aps.append(
            [weighted_ap(one, np.ones((300, 1), int))[0] for one in simulated_runs(300, 2, runs=2, seed=seed)]
        )
    true = np.std(np.diff(aps, axis=1))
    estimates = []
    for seed in range(10):
        noise = covariance_of_matches(
            simulated_runs(300, 2, runs=2, seed=seed), method="influence"
        ).covariance
        estimates.append(noise[0, 0] + noise[1, 1] - 2 * noise[0, 1])
    assert np.sqrt(np.mean(estimates)) == pytest.approx(true, rel=0.15)


def test_values_are_coco_s_and_influences_are_kept() -> None:
    runs = simulated_runs(50, 2, runs=2)
    found = covariance_of_matches(runs)
    assert found.values.tolist() == pytest.approx(
        [coco_arrays(one).figures()["ap"] for one in runs], abs=1e-12
    )
    assert (found.influences().shape, found.covariance.shape) == ((2, 50), (2, 2))


def test_the_method_follows_from_the_images_of_each_class() -> None:
    assert choose_method(np.array([20, 30, 0, 25])) == "influence"
    assert choose_method(np.array([3, 30, 0, 4])) == "bootstrap"
    assert choose_method(np.array([0, 0])) == "bootstrap"
    assert covariance_of_matches(simulated_runs(60, 2, runs=2)).method == "influence"
    assert covariance_of_matches(simulated_runs(12, 2, runs=2)).method == "bootstrap"


def test_classes_with_few_images_are_warned_of() -> None:
    (warning,) = covariance_of_matches(simulated_runs(12, 20, runs=2)).warnings
    few = "16 of 16 classes have fewer than 10 images"  # the other four have none
    assert warning == f"{few}: the noise of the images is underestimated, and intervals are too narrow"
    assert covariance_of_matches(simulated_runs(60, 2, runs=2)).warnings == ()


def test_equal_runs_have_equal_noise_and_one_image_has_none() -> None:
    one, _ = simulated_runs(30, 2, runs=2)
    noise = covariance_of_matches([one, one]).covariance
    assert noise == pytest.approx(noise[0, 0])
    assert covariance_of_matches(simulated_runs(1, 1, runs=2)).covariance == pytest.approx(0)


def test_runs_on_other_data_are_refused() -> None:
    one, two = simulated_runs(30, 2, runs=2)
    with pytest.raises(DataError, match="matches of run 1 have other image_ids than those of run 0"):
        covariance_of_matches([one, replace(two, image_ids=two.image_ids + 1)])


def test_draws_are_the_same_everywhere() -> None:
    counts = resample_counts(5, 3)
    assert counts.sum(axis=0).tolist() == [5, 5, 5]
    assert counts.T.tolist() == [[1, 0, 0, 3, 1], [1, 1, 1, 1, 1], [2, 1, 1, 0, 1]]


def test_a_mean_over_images_has_the_noise_of_a_mean() -> None:
    hits = np.random.default_rng(0).random((3, 200)) < 0.7
    found = covariance_of_means(hits)
    assert found.covariance == pytest.approx(np.cov(hits) / 200)
    assert (found.values == pytest.approx(hits.mean(axis=1)), found.method) == (True, "mean")
