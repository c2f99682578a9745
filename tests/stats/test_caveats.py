"""Property: narrow intervals that prove nothing; the oracle is what was put into the scores."""

from __future__ import annotations

import math

import numpy as np
import pytest

from darknet_py.errors import UsageError
from darknet_py.stats import verdict

NEAR_0 = "both scores lie within the margin of 0, as those of networks that have learned nothing"
NO_NOISE = "scores do not vary between images and seeds: nothing is known of their noise"
SAME_SEEDS = "all seeds of a variant gave the same scores: this is about the images alone"


@pytest.mark.parametrize(
    ("values", "caveat"),
    [
        (np.zeros((2, 3)), "neither has learned: the score of every run is 0"),
        (np.zeros((2, 1)), "neither has learned: the score of every run is 0"),
        (np.full((3, 5), 0.31), NO_NOISE),
        (np.array([[0.31, 0.31], [0.32, 0.32]]), NO_NOISE),
        (np.array([[0.31], [0.31]]), "scores do not vary between images: nothing is known of their noise"),
    ],
)
def test_scores_without_any_noise_have_no_interval(values: np.ndarray, caveat: str) -> None:
    for one in verdict(values, np.zeros((values.size, values.size)), images=100):
        assert (one.outcome, one.caveat) == ("unclear", caveat)
        assert (one.low, one.high, one.visible) == (-math.inf, math.inf, math.inf)


def test_scores_near_0_are_not_the_same_and_with_a_smaller_margin_they_can_be() -> None:
    values = np.array([[0.0011, 0.0012, 0.0010], [0.0012, 0.0010, 0.0011]])
    (one,) = verdict(values, np.zeros((6, 6)))
    assert (one.outcome, one.caveat) == ("unclear", NEAR_0)
    assert -0.005 < one.low < one.high < 0.005
    (one,) = verdict(values, np.zeros((6, 6)), margin=0.0005)
    assert (one.outcome, one.caveat) == ("same", "")


def test_one_network_that_has_not_learned_differs_from_one_that_has() -> None:
    (one,) = verdict([[0.0, 0.0, 0.0], [0.30, 0.31, 0.29]], np.zeros((6, 6)))
    assert (one.outcome, one.caveat) == ("better", "")


def test_two_that_have_not_learned_are_not_the_same_next_to_one_that_has() -> None:
    first, second = verdict([[0, 0, 0], [0, 0, 0], [0.301, 0.3, 0.299]], np.zeros((9, 9)))
    assert (first.outcome, first.caveat, second.outcome) == ("unclear", NEAR_0, "better")


def test_seeds_that_change_nothing_do_not_make_variants_the_same() -> None:
    values, images = np.array([[0.31, 0.31], [0.3105, 0.3105]]), np.full((4, 4), 1e-6)
    images[:2, :2] = images[2:, 2:] = 1.5e-6  # of both seeds alike
    (one,) = verdict(values, images)
    assert (one.outcome, one.caveat) == ("unclear", SAME_SEEDS)
    assert -0.005 < one.low < one.high < 0.005


def test_runs_that_are_equal_seed_by_seed_are_the_same() -> None:
    values = np.array([[0.31, 0.33, 0.30, 0.32, 0.34]] * 2)
    covariance = np.kron(np.ones((2, 2)), 1e-5 * np.eye(5) + 1e-5)
    (one,) = verdict(values, covariance)
    assert (one.outcome, one.low, one.high, one.caveat) == ("same", 0, 0, "")


def test_of_one_seed_few_images_are_a_t_test_over_images() -> None:
    scores = np.random.default_rng(2).random((2, 6))
    (one,) = verdict(scores.mean(axis=1, keepdims=True), np.cov(scores) / 6, images=6)
    half = 2.5705818 * np.diff(scores, axis=0).std(ddof=1) / math.sqrt(6)
    assert (one.df, one.high - one.effect) == (5, pytest.approx(half, rel=1e-6))
    with pytest.raises(UsageError, match="images is 1, expected 2 or more"):
        verdict([[0.4], [0.5]], np.eye(2), images=1)
