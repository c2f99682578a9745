"""Property and golden: studies that grow; oracles are tables of bounds and the truth that was simulated."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bench.sequential import measure
from bench.verdicts import SETTINGS
from darknet_py.stats import verdict
from darknet_py.stats.quantiles import dunnett_quantile
from darknet_py.stats.sequential import ERROR, Looks, levels_of, replay

STUDIES = 150
MARGIN = 0.005


def test_levels_are_those_of_published_bounds() -> None:
    # Jennison and Turnbull 2000, table 2.1: Pocock's constant 2.178 for two equal looks at 5 %, which spends
    # 0.0294 at the first; with that share of the error the second level is the same.
    share = math.log2(0.05 / math.erfc(2.178 / math.sqrt(2)))
    first, second = levels_of((1, 2), 0.05, share)
    assert [round(level, 3) for level in (first, second)] == [0.029, 0.029]
    assert levels_of((5,)) == pytest.approx((ERROR,), abs=1e-9)


def test_simulated_sums_exceed_their_bounds_in_five_of_a_hundred() -> None:
    looks = Looks.up_to(10).seeds
    sums = np.random.default_rng(1).normal(size=(100_000, 10)).cumsum(axis=1)[:, [s - 1 for s in looks]]
    bounds = [dunnett_quantile(1 - level, 1, math.inf) for level in levels_of(looks)]
    crossed = np.abs(sums) / np.sqrt(looks) > bounds
    assert crossed.any(axis=1).mean() == pytest.approx(ERROR, abs=0.002)


@pytest.mark.parametrize("shape", [(2, 8, 300), pytest.param((3, 6, 300), marks=pytest.mark.slow)])
def test_growing_studies_are_rarely_wrong_and_see_what_full_ones_see(shape: tuple[int, int, int]) -> None:
    found = measure(SETTINGS[1], shape, STUDIES, seed=5)
    limit = ERROR + 2.6 * math.sqrt(ERROR * (1 - ERROR) / STUDIES)  # 6 % are shown with more studies
    assert found.wrong / STUDIES <= limit
    assert found.wrong_after_one / STUDIES <= limit
    assert found.seen >= found.seen_fixed - 0.12 * STUDIES
    assert found.runs_better < 0.7 * STUDIES * shape[0] * shape[1]


def study(*means: float, seeds: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Runs with a deviation of 0.4 AP between trainings and hardly any between images."""
    values = np.random.default_rng(7).normal(0, 0.004, (len(means), seeds)) + np.array(means)[:, None]
    noise = 1e-8 * np.eye(values.size)
    return values, noise.reshape(len(means), seeds, len(means), seeds)


def test_a_variant_leaves_at_its_verdict_and_the_others_go_on() -> None:
    values, noise = study(0.4, 0.2, 0.407)
    trained = np.full_like(values, np.nan)
    stages = []
    while (found := replay(trained, noise, Looks.up_to(10), margin=MARGIN)).stage:
        stages.append((found.stage.seeds, found.stage.variants))
        trained[list(found.stage.variants), : found.stage.seeds] = values[
            list(found.stage.variants), : found.stage.seeds
        ]
    assert stages[0] == (2, (0, 1, 2))
    assert (stages[-1][1], found.verdicts[1].reason) == ((0, 2), "resolved")
    assert found.verdicts[1].result.outcome == "worse"
    assert found.verdicts[1].result.seeds < found.verdicts[2].result.seeds
    left = found.verdicts[1].result.seeds
    again = values.copy()
    again[1, left:] = 0.9  # runs that no look has seen
    assert replay(again, noise, Looks.up_to(10), margin=MARGIN).verdicts == found.verdicts


def test_the_last_of_one_look_is_the_verdict_of_a_fixed_study() -> None:
    values, noise = study(0.4, 0.41, 0.4, seeds=2)
    found = replay(values, noise, Looks.up_to(2), margin=MARGIN)
    fixed = verdict(values, noise.reshape(values.size, -1))
    assert [found.verdicts[at].result.low for at in (1, 2)] == pytest.approx([one.low for one in fixed])
    assert found.stage is None


def test_what_more_seeds_cannot_resolve_is_given_up() -> None:
    values, noise = study(0.4, 0.401)
    images = 4e-4 * np.eye(2)  # variants fail on other images, by 2 AP
    noise = noise + np.broadcast_to(images[:, None, :, None], noise.shape)
    found = replay(values[:, :3], noise, Looks.up_to(10), margin=MARGIN)
    assert found.stage is None
    assert (found.verdicts[1].reason, found.verdicts[1].result.outcome) == ("hopeless", "unclear")


def test_a_variant_that_fails_leaves_and_without_a_baseline_nobody_stays() -> None:
    values, noise = study(0.4, 0.2, 0.2)
    values[1, 1] = np.inf
    found = replay(values, noise, Looks.up_to(10), margin=MARGIN)
    assert (found.failed, list(found.verdicts)) == ((1,), [2])
    values[0, 0] = np.inf
    found = replay(values, noise, Looks.up_to(10), margin=MARGIN)
    assert (found.failed, found.verdicts, found.stage) == ((1, 2), {}, None)
