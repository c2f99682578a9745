"""Parity and reference: studies that are drawn again; the oracles are copied images and printed figures."""

from __future__ import annotations

import numpy as np
import pytest

from bench.rates import Rates, Row, half_width, summary, variance_over_images
from bench.redrawn import Pool
from darknet_py.stats import verdict
from darknet_py.stats.covariance import covariance_of_matches
from tests.scoring.simulated import simulated_runs


def pool_of(values: np.ndarray, covariance: np.ndarray | None = None) -> Pool:
    (matches,) = simulated_runs(10, 1, runs=1)
    noise = np.zeros((values.size, values.size)) if covariance is None else covariance
    rows = tuple((matches,) * values.shape[1] for _ in values)
    return Pool("pool", rows, values, noise.reshape(values.shape * 2))


@pytest.fixture(scope="module")
def drawn_pool() -> Pool:
    runs = simulated_runs(60, 2, runs=12, objects=4)
    noise = covariance_of_matches(runs)
    return Pool(
        "pool",
        (tuple(runs[:6]), tuple(runs[6:])),
        noise.values.reshape(2, 6),
        noise.covariance.reshape(2, 6, 2, 6),
    )


def test_the_share_of_a_seed_is_the_printed_intraclass_correlation() -> None:
    """Six targets and four judges of Shrout and Fleiss, Psychological Bulletin 86 (1979) 420: ICC(3,1) = .71.

    Its interval, 0.34 to 0.95, is that which the R package psych prints for them.
    """
    judges = [[9, 6, 8, 7, 10, 6], [2, 1, 4, 1, 5, 2], [5, 3, 6, 2, 6, 4], [8, 2, 8, 6, 9, 7]]
    found = pool_of(np.array(judges, float)).shared()
    assert tuple(round(one, 2) for one in found) == (0.71, 0.34, 0.95)


def test_images_that_are_drawn_twice_count_twice(drawn_pool: Pool) -> None:
    (values,), (covariance,) = drawn_pool.drawn(60, 1, np.random.default_rng(5))
    assert values.shape == (2, 6)

    # A draw of all images as often as each other is the data set itself.
    class Even:
        def multinomial(self, images: int, shares: np.ndarray, draws: int) -> np.ndarray:
            return np.full((draws, len(shares)), images // len(shares))

    (values,), (covariance,) = drawn_pool.drawn(120, 1, Even())  # type: ignore[arg-type]
    assert values == pytest.approx(drawn_pool.values, abs=1e-12)
    assert covariance == pytest.approx(drawn_pool.covariance * (59 / 60) / 2 * (120 / 119))


def test_every_study_that_the_runs_suffice_for_has_a_row(drawn_pool: Pool) -> None:
    rows = list(drawn_pool.rows([40, 60], draws=2, deals=2, seed=1))
    assert [row.text().split(" | ")[:3] for row in rows] == [
        ["| pool, dealt", "2, 2", "nested"],
        ["| pool, dealt", "2, 3", "nested"],
        ["| pool, dealt", "2, 5", "crossed"],
        ["| pool, dealt", "3, 2", "nested"],
        ["| pool, dealt", "3, 3", "crossed"],
        ["| pool, dealt", "4, 2", "nested"],
        ["| pool, dealt", "4, 3", "crossed"],
        ["| pool, dealt", "5, 2", "crossed"],
        ["| pool, paired", "2, 2", "nested"],
        ["| pool, paired", "2, 3", "nested"],
        ["| pool, paired", "2, 5", "crossed"],
    ]


def test_rows_have_the_share_of_each_count_and_the_summary_its_ends() -> None:
    less, more = Rates(200, 400, 10, 9, 50, 12, 30, 150), Rates(200, 400, 30, 20, 60, 14, 32, 170)
    rows = [
        Row("one", (3, 2), "nested", (less, more), 0.05),
        Row("two", (3, 2), "nested", (more, less), 0.04),
    ]
    assert rows[0].text() == "| one | 3, 2 | nested | 2.5 / 7.5 | 4.5 / 10.0 | 5.0 | 85 | 30 | 7 | 16 |"
    *_, last = summary(rows)
    ends = "5.0 (2.5 to 7.5) | 7.2 (4.5 to 10.0) | 80 (75 to 85) | 28 (25 to 30) | 6 (6 to 7) | 16 (15 to 16)"
    assert last == f"| 3, 2 | nested | {ends} |"


def test_groups_of_one_cfg_and_a_planted_difference_are_judged() -> None:
    values = np.random.default_rng(0).normal(0.4, 0.01, (2, 7))
    pool = pool_of(values + np.array([[0.0], [0.2]]))
    false, pairs = pool.false_between_equals()
    assert pairs == 2 * 70
    assert 0 < false / pairs < 0.12
    assert pool.found_with(3) == 1
    assert pool_of(values).found_with(3) < 0.3


def test_rates_count_what_each_rule_says() -> None:
    rates = Rates()
    values = np.array([[0.40, 0.41], [0.44, 0.45], [0.40, 0.42]])
    rates.count(values, 1e-6 * np.eye(6), 300, effect=0.5)
    assert (rates.studies, rates.pairs, rates.seen) == (1, 2, 1)
    assert (rates.false_pairs, rates.false_studies) == (1, 1)
    assert (rates.ranges, rates.paired_t, rates.images) == (1, 1, 1)


def test_a_pair_by_itself_has_students_quantile_and_images_have_their_variance() -> None:
    values, noise = np.array([[0.40, 0.44], [0.41, 0.46], [0.42, 0.43]]), 1e-5 * np.eye(6)
    one, _ = verdict(values, noise, paired=False)
    assert half_width(one) < one.high - one.effect
    (pair,) = verdict(values[:2], 1e-5 * np.eye(4))
    assert half_width(pair) == pytest.approx(pair.high - pair.effect)
    assert variance_over_images(noise, (3, 2)).tolist() == pytest.approx([1e-5, 1e-5])
