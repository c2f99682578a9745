"""Reference and property: verdicts; the oracles are a published study, the paired t-test, and algebra."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darknet_py.errors import UsageError
from darknet_py.stats import Verdict, verdict
from darknet_py.stats.quantiles import dunnett_quantile, t_quantile


def covariance(shape: tuple[int, int], variance: float, *covariances: float) -> np.ndarray:
    """Over images: of a run, of two variants of one seed, of two seeds of one variant, of neither."""
    (variants, seeds), (cov1, cov2, cov3) = shape, covariances
    array = np.full((variants, seeds, variants, seeds), cov3)
    for v in range(variants):
        array[v, :, v] = cov2
    for s in range(seeds):
        array[:, s, :, s] = cov1
        for v in range(variants):
            array[v, s, v, s] = variance
    return array.reshape(variants * seeds, variants * seeds)


def nothing(shape: tuple[int, int]) -> np.ndarray:
    return covariance(shape, 0.0, 0.0, 0.0, 0.0)


def test_the_study_of_van_dyke_has_its_printed_interval() -> None:
    """Five readers, two ways of imaging, 69 and 45 patients: AUCs in halves of 3105 pairs.

    Van Dyke et al., 79th RSNA meeting, 1993; analysed in Hillis, Berbaum and Metz, Academic Radiology 15
    (2008) 647, and in the documentation of the R package MRMCaov: difference -0.04380032, standard error
    0.02074862, df 15.25967, interval -0.0879595 to 0.0003589.
    """
    halves = [[2855.5, 2666.5, 2806.5, 3021.5, 2576.5], [2943, 2811, 2862, 3103, 2887.5]]
    images = covariance((2, 5), 0.0008022883, 0.0003466137, 0.0003440748, 0.0002390284)
    (cine,) = verdict(np.array(halves) / 3105, images, baseline=1)
    assert (cine.method, cine.outcome, cine.variant) == ("crossed", "unclear", 0)
    assert cine.effect == pytest.approx(-0.04380032, abs=5e-9)
    assert cine.df == pytest.approx(15.25967, abs=1e-5)
    error = (cine.high - cine.low) / 2 / dunnett_quantile(0.95, 1, cine.df)
    assert error == pytest.approx(0.02074862, abs=5e-9)
    assert (cine.low, cine.high) == pytest.approx((-0.0879595, 0.0003589), abs=5e-8)


def test_without_noise_of_images_a_crossed_pair_is_the_paired_t_test() -> None:
    values = np.array([[0.40, 0.42, 0.41, 0.45, 0.39], [0.43, 0.44, 0.42, 0.49, 0.40]])
    (one,) = verdict(values, nothing((2, 5)))
    differences = values[1] - values[0]
    half = 2.7764451 * differences.std(ddof=1) / math.sqrt(5)
    assert (one.df, one.method) == (4, "crossed")
    assert (one.low, one.high) == pytest.approx(
        (differences.mean() - half, differences.mean() + half), abs=1e-8
    )


def test_without_noise_of_images_a_nested_pair_is_the_pooled_t_test() -> None:
    values = np.array([[0.40, 0.42, 0.41], [0.43, 0.44, 0.42]])
    (one,) = verdict(values, nothing((2, 3)))
    half = 2.7764451 * math.sqrt(2 / 3 * values.var(axis=1, ddof=1).mean())
    assert (one.df, one.method) == (4, "nested")
    assert (one.high - one.low) / 2 == pytest.approx(half, abs=1e-8)


def test_nested_noise_is_that_of_obuchowski_and_rockette() -> None:
    values = np.array([[0.40, 0.44, 0.41], [0.43, 0.48, 0.44]])
    images = covariance((2, 3), 3e-4, 1.5e-4, 2e-4, 1e-4)
    (one,) = verdict(values, images, paired=False)
    square, cov3 = values.var(axis=1, ddof=1).mean(), (1.5e-4 + 2 * 1e-4) / 3
    whole = square + 3 * (2e-4 - cov3)
    assert one.df == pytest.approx(whole**2 / (square**2 / 4))
    error = (one.high - one.low) / 2 / dunnett_quantile(0.95, 1, one.df)
    assert error == pytest.approx(math.sqrt(2 / 3 * whole))
    visible = (dunnett_quantile(0.95, 1, one.df) + t_quantile(0.8, one.df)) * error
    assert one.visible == pytest.approx(visible)


@pytest.mark.parametrize(
    ("shape", "factor"), [((2, 2), 2.0), ((3, 2), 5 / 3), ((5, 2), 1.5), ((2, 3), 1.0), ((2, 5), 1.0)]
)
def test_with_two_seeds_the_degrees_of_freedom_take_more_than_the_mean_square(
    shape: tuple[int, int], factor: float
) -> None:
    values = 0.4 + 0.01 * np.random.default_rng(4).normal(size=shape)
    images = covariance(shape, 2e-5, 1e-5, 2e-5, 1e-5)
    one = verdict(values, images)[0]
    rest = values - values.mean(axis=1, keepdims=True)
    crossed = one.method == "crossed"
    rest = rest - rest.mean(axis=0) if crossed else rest
    df = (shape[0] - crossed) * (shape[1] - 1)
    square, shared = (rest**2).sum() / df, shape[1] * 1e-5
    assert one.df == pytest.approx(df * ((factor * square + shared) / (factor * square)) ** 2)


@pytest.mark.parametrize(
    ("images", "df"), [(math.inf, 16.0), (31, 16 / (1 + 4 / 30)), (11, 16 / (1 + 4 / 10))]
)
def test_few_images_have_degrees_of_freedom_of_their_own(images: float, df: float) -> None:
    # Mean square and noise of the images are equal: df = (2 x)^2 / (x^2 / 4 + x^2 / (n - 1)).
    values = np.array([[0.40, 0.42, 0.44], [0.40, 0.42, 0.44]])
    noise = covariance((2, 3), 5e-4, 1e-4, 1e-4 + 4e-4 / 3, 1e-4)
    (one,) = verdict(values, noise, images=images)
    assert one.df == pytest.approx(df)


def test_images_that_all_variants_fail_on_cancel() -> None:
    values = [[0.40, 0.44, 0.41], [0.43, 0.48, 0.44]]
    (expected,) = verdict(values, nothing((2, 3)))
    for cov2 in (5e-4, 4e-4):  # less than Cov3 counts as no less
        (one,) = verdict(values, covariance((2, 3), 5e-4, 5e-4, cov2, 5e-4))
        assert (one.low, one.high, one.df) == (expected.low, expected.high, expected.df)


def test_with_many_seeds_the_images_are_what_is_left() -> None:
    generator, seeds = np.random.default_rng(0), 2000
    values = generator.normal(0.4, 0.01, (2, seeds))
    images = covariance((2, seeds), 4e-4, 1e-4, 2e-4, 1e-4)
    (one,) = verdict(values, images)
    assert (one.high - one.low) / 2 == pytest.approx(1.959964 * math.sqrt(2e-4), rel=1e-3)


def test_of_one_seed_the_images_alone_speak() -> None:
    (one,) = verdict([[0.40], [0.44]], [[4e-4, 3e-4], [3e-4, 5e-4]])
    assert (one.seeds, one.df, one.effect) == (1, math.inf, pytest.approx(0.04))
    assert one.high - one.effect == pytest.approx(1.959964 * math.sqrt(3e-4), rel=1e-6)


def test_seeds_that_are_equal_by_luck_do_not_shrink_the_interval_below_the_images() -> None:
    images = covariance((2, 2), 4e-4, 1e-4, 2e-4, 1e-4)
    (one,) = verdict([[0.40, 0.40], [0.43, 0.43]], images)
    contrast = np.array([-0.5, -0.5, 0.5, 0.5])
    assert one.high - one.effect == pytest.approx(1.959964 * math.sqrt(contrast @ images @ contrast))
    assert one.df == math.inf


@pytest.mark.parametrize(
    ("shape", "method"),
    [((2, 4), "nested"), ((2, 5), "crossed"), ((3, 2), "nested"), ((3, 3), "crossed"), ((5, 2), "crossed")],
)
def test_seeds_are_crossed_by_the_size_of_the_study_alone(shape: tuple[int, int], method: str) -> None:
    values = np.random.default_rng(1).normal(0.4, 0.01, shape)
    assert {one.method for one in verdict(values, nothing(shape))} == {method}
    assert {one.method for one in verdict(values, nothing(shape), paired=False)} == {"nested"}


def test_several_variants_are_compared_with_dunnetts_quantile() -> None:
    values = np.array([[0.40, 0.42], [0.41, 0.43], [0.42, 0.44]])
    one, two = verdict(values, nothing((3, 2)))
    error = math.sqrt(2 / 2 * 2e-4)
    assert (
        one.high - one.effect == two.high - two.effect == pytest.approx(error * dunnett_quantile(0.95, 2, 3))
    )
    assert (one.variant, two.variant, one.alone) == (1, 2, False)


def test_two_variants_that_are_noisier_than_the_others_are_judged_by_their_own_noise() -> None:
    values = np.array([[0.400, 0.401, 0.402], [0.40, 0.46, 0.52], [0.403, 0.404, 0.402], [0.401, 0.402, 0.4]])
    noisy, calm, _ = verdict(values, nothing((4, 3)), paired=False)
    assert (noisy.alone, noisy.df, calm.alone, calm.df) == (True, 4, False, 8)
    pooled = values.var(axis=1, ddof=1)
    error = (noisy.high - noisy.effect) / dunnett_quantile(0.95, 3, 4)
    assert error == pytest.approx(math.sqrt(2 / 3 * pooled[:2].mean()))


@pytest.mark.parametrize(
    ("effect", "deviation", "outcome"),
    [
        (0.03, 0.001, "better"),
        (-0.03, 0.001, "worse"),
        (0.0, 0.001, "same"),
        (0.002, 0.0005, "same"),  # above 0, but by less than the margin
        (0.006, 0.0005, "better"),
        (0.004, 0.01, "unclear"),
    ],
)
def test_there_are_four_outcomes(effect: float, deviation: float, outcome: str) -> None:
    images = [[deviation**2, 0], [0, 0]]
    assert verdict([[0.4], [0.4 + effect]], images)[0].outcome == outcome


def test_the_margin_decides_what_is_the_same() -> None:
    images = [[1e-8, 0], [0, 0]]  # an interval of 0.0008 to 0.0012
    outcomes = [verdict([[0.4], [0.401]], images, margin=margin)[0].outcome for margin in (0, 0.0011, 0.002)]
    assert outcomes == ["better", "better", "same"]


def test_another_baseline_turns_the_sign() -> None:
    values, images = [[0.4, 0.41], [0.44, 0.46]], covariance((2, 2), 3e-4, 1.5e-4, 2e-4, 1e-4)
    (here,), (there,) = verdict(values, images), verdict(values, images, baseline=1)
    assert (there.variant, there.low, there.high) == (0, pytest.approx(-here.high), pytest.approx(-here.low))


Refused = tuple[object, object, dict[str, float], str]
REFUSED: Sequence[Refused] = [
    ([0.4, 0.5], np.eye(2), {}, "values have the shape (2,), expected (V, S) with two variants or more"),
    ([[0.4, 0.5]], np.eye(2), {}, "values have the shape (1, 2), expected (V, S) with two variants or more"),
    ([[0.4], [0.5]], np.eye(3), {}, "covariance has the shape (3, 3), expected (2, 2): all runs"),
    ([[0.4, np.nan], [0.5, 0.5]], np.eye(4), {}, "values are missing or not finite: variant 0 seed 1"),
    ([[0.4], [0.5]], [[1, np.inf], [np.inf, 1]], {}, "covariance is not finite"),
    ([[0.4], [0.5]], [[1, 0.5], [0, 1]], {}, "covariance is not symmetric"),
    ([[0.4], [0.5]], [[-1, 0], [0, 1]], {}, "covariance has a negative variance"),
    ([[0.4], [0.5]], np.eye(2), {"baseline": 2}, "baseline is 2, expected 0 .. 1"),
    ([[0.4], [0.5]], np.eye(2), {"margin": -1}, "margin is -1, expected a number of 0 or more"),
    (
        [[0.4], [0.5]],
        np.eye(2),
        {"confidence": 95},
        "confidence is 95, expected 0.5 .. 1",
    ),
]


@pytest.mark.parametrize(("values", "images", "options", "message"), REFUSED)
def test_arrays_that_do_not_belong_together_are_refused(
    values: object, images: object, options: dict[str, float], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        verdict(values, images, **options)  # type: ignore[arg-type]
    assert caught.value.message == message


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 4), st.integers(1, 4), st.integers(0, 99), st.booleans())
def test_intervals_hold_the_effect_and_are_never_narrower_than_the_images(
    variants: int, seeds: int, number: int, paired: bool
) -> None:
    draw = np.random.default_rng(number)
    values = draw.normal(0.4, 0.01, (variants, seeds))
    images = np.cov(draw.normal(0, 0.05, (variants * seeds, 60))) / 60
    for one in verdict(values, np.atleast_2d(images), paired=paired):
        assert _images_alone(one, images, (variants, seeds)) <= (one.high - one.low) / 2 * (1 + 1e-9)
        assert one.low <= one.effect <= one.high
        assert one.visible > one.high - one.effect


def _images_alone(one: Verdict, images: np.ndarray, shape: tuple[int, int]) -> float:
    contrast = np.zeros(shape)
    contrast[[0, one.variant]] = [[-1 / shape[1]], [1 / shape[1]]]
    return float(1.959963 * np.sqrt(contrast.ravel() @ images @ contrast.ravel()))
