"""Golden and property: quantiles; the oracles are printed tables (Dunnett 1964; any table of t and F)."""

from __future__ import annotations

import math

import numpy as np
import pytest

from darknet_py.stats.quantiles import dunnett_quantile, f_quantile, t_quantile

# Two-sided 5 % points of comparisons with a control (Dunnett, Biometrics 20 (1964) 482, table II).
DUNNETT = {5: (2.57, 3.03, 3.29, 3.48), 10: (2.23, 2.57, 2.76, 2.89), 20: (2.09, 2.38, 2.54, 2.65)}
STUDENT = {1: 12.706205, 2: 4.302653, 3: 3.182446, 10: 2.228139, 200: 1.971896, math.inf: 1.959964}


@pytest.mark.parametrize("df", DUNNETT)
def test_comparisons_with_a_control_have_dunnetts_printed_quantiles(df: int) -> None:
    assert tuple(round(dunnett_quantile(0.95, k, df), 2) for k in (1, 2, 3, 4)) == DUNNETT[df]


@pytest.mark.parametrize("df", STUDENT)
def test_a_single_comparison_has_students_quantile(df: float) -> None:
    assert dunnett_quantile(0.95, 1, df) == pytest.approx(STUDENT[df], abs=5e-7)


def test_student_below_a_probability_is_one_sided() -> None:
    assert t_quantile(0.8, 2) == pytest.approx(1.0606602, abs=1e-6)
    assert t_quantile(0.8, math.inf) == pytest.approx(0.8416212, abs=1e-6)


def test_degrees_of_freedom_need_not_be_whole() -> None:
    low, between, high = (dunnett_quantile(0.95, 3, df) for df in (4, 3.5, 3))
    assert low < between < high


@pytest.mark.parametrize(
    ("probability", "above", "below", "printed"),
    [(0.95, 2, 10, 4.1028), (0.95, 5, 2, 19.2964), (0.95, 1, 1, 161.4476), (0.8, 1, 3, 2.6822)],
)
def test_a_quotient_of_mean_squares_has_the_quantile_of_f(
    probability: float, above: float, below: float, printed: float
) -> None:
    assert f_quantile(probability, above, below) == pytest.approx(printed, rel=1e-4)


@pytest.mark.parametrize(("comparisons", "df"), [(1, 2.5), (2, 4.0), (4, 7.3)])
def test_quantiles_are_those_of_simulated_comparisons(comparisons: int, df: float) -> None:
    generator = np.random.RandomState(3)
    normals = generator.normal(size=(40_000, comparisons + 1))
    scale = np.sqrt(2 * generator.chisquare(df, 40_000) / df)
    greatest = np.abs((normals[:, 1:] - normals[:, :1]) / scale[:, None]).max(axis=1)
    assert (greatest > dunnett_quantile(0.95, comparisons, df)).mean() == pytest.approx(0.05, abs=0.0035)
