"""Reference: effects on other figures; the oracle is the covariance of the figure, or of the class alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from darknet_py.scoring.coco_figures import coco_arrays
from darknet_py.scoring.matches import Matches
from darknet_py.stats import verdict
from darknet_py.stats.covariance import covariance_of_matches
from darknet_py.stats.unjudged import unjudged_classes, unjudged_figures
from tests.scoring.simulated import simulated_runs


def only_class(matches: Matches, k: int) -> Matches:
    part = slice(matches.starts[k], matches.starts[k + 1])
    truths = matches.truth_labels == k
    columns = ("images", "scores", "ranks", "hits", "ignored")
    return replace(
        matches,
        category_ids=matches.category_ids[k : k + 1],
        starts=np.array([0, part.stop - part.start]),
        truth_images=matches.truth_images[truths],
        truth_labels=np.zeros(truths.sum(), np.uint32),
        truth_areas=matches.truth_areas[truths],
        **{name: getattr(matches, name)[part] for name in columns},
    )


def _with_truth_in(matches: Matches, images: np.ndarray) -> Matches:
    """The same with objects of the first class in these images alone."""
    gone = (matches.truth_labels == 0) & ~np.isin(matches.truth_images, images)
    false = (np.arange(len(matches.images)) < matches.starts[1]) & ~np.isin(matches.images, images)
    return replace(
        matches,
        truth_areas=np.where(gone, 0, matches.truth_areas).astype(np.uint8),
        hits=np.where(false, 0, matches.hits).astype(np.uint64),
    )


@pytest.fixture(scope="module")
def runs() -> list[Matches]:
    return simulated_runs(120, 3, runs=4)


def test_a_figure_has_the_interval_of_its_own_covariance(runs: list[Matches]) -> None:
    (found,) = unjudged_figures(runs, 2, ["ap50"])
    noise = covariance_of_matches(runs, "ap50", method="influence")
    (expected,) = verdict(noise.values.reshape(2, 2), noise.covariance, images=found.images)
    (result,) = found.results
    assert (result.low, result.high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    figures = [coco_arrays(one).figures()["ap50"] for one in runs]
    assert result.effect == pytest.approx(np.mean(figures[2:]) - np.mean(figures[:2]), abs=1e-12)


def test_a_class_has_the_interval_of_its_matches_alone(runs: list[Matches]) -> None:
    for found in unjudged_classes(runs, 2):
        assert isinstance(found.name, int)
        alone = [only_class(one, found.name) for one in runs]
        noise = covariance_of_matches(alone, method="influence")
        (expected,) = verdict(noise.values.reshape(2, 2), noise.covariance, images=found.images)
        (result,) = found.results
        assert (result.low, result.high) == pytest.approx((expected.low, expected.high), abs=1e-12)
        assert found.images == len(np.unique(alone[0].truth_images[alone[0].truth_areas & 1 == 1]))


def test_few_images_are_marked_and_one_has_no_interval(runs: list[Matches]) -> None:
    ranks = np.unique(runs[0].truth_images[runs[0].truth_labels == 0])
    for keep, few, results in ((ranks[:19], True, 1), (ranks[:20], False, 1), (ranks[:1], True, 0)):
        fewer = [_with_truth_in(one, keep) for one in runs]
        first = next(unjudged_classes(fewer, 2))
        assert (first.images, first.few_images, len(first.results)) == (len(keep), few, results)


def test_a_figure_without_truth_is_left_out(runs: list[Matches]) -> None:
    bare = [replace(one, truth_areas=one.truth_areas & 1) for one in runs]
    assert [one.name for one in unjudged_figures(bare, 2, ["ap50", "ap_small", "ap75"])] == ["ap50", "ap75"]
