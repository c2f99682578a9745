"""Reference and property. Oracle: tests/reference/pools.py, and what the article says of every pool."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from darknet_py.cfg.diagnostics import CfgError
from tests.layers.nets import network, section
from tests.layers.windows import cases, few
from tests.reference import pools as reference

SETTINGS = settings(few, max_examples=25)
EXACT = {"medianpool lower", "minpool"}
rule = functools.partial

RULES = {  # pools that turn the cells of a window into one cell: section, keys, rule
    "medianpool": ("medianpool", {}, reference.median),
    "medianpool mean": ("medianpool", {"even": "mean"}, rule(reference.median, even="mean")),
    "medianpool lower": ("medianpool", {"even": "lower"}, rule(reference.median, even="lower")),
    "minpool": ("minpool", {}, reference.least),
    "mixpool add": ("mixpool", {"mode": "add", "alpha": 0.3}, rule(reference.mixed, alpha=0.3)),
    "softpool": ("softpool", {}, reference.soft),
    "softpool cold": ("softpool", {"temperature": 0.25}, rule(reference.soft, temperature=0.25)),
    "lppool": ("lppool", {}, reference.power_norm),
    "lppool 3.5": ("lppool", {"p": 3.5}, rule(reference.power_norm, p=3.5)),
    "gempool": ("gempool", {}, reference.generalised_mean),
    "gempool fixed": ("gempool", {"p": 2, "learn": 0}, rule(reference.generalised_mean, p=2.0)),
    "lsepool": ("lsepool", {}, reference.log_sum_exp),
    "lsepool 4": ("lsepool", {"r": 4}, rule(reference.log_sum_exp, r=4.0)),
}
OLD = {  # of test_pools.py
    "maxpool": ("maxpool", {}, reference.greatest),
    "local_avgpool": ("local_avgpool", {}, reference.mean),
    "stochpool": ("stochpool", {}, rule(reference.expected, negatives="relu")),
}
MODES = {  # what is no rule of one window's cells
    "mixpool cat": ("mixpool", {"mode": "cat"}),
    "mixpool gated": ("mixpool", {"mode": "gated"}),
    "blurpool": ("blurpool", {}),
}
ALL = {name: entry[:2] for name, entry in (RULES | OLD).items()} | MODES


def window_keys(keys):
    return keys["size"], (keys["stride_y"], keys["stride_x"]), keys.get("padding")


def run(name, image, *arrays, **keys):
    """What a section makes of a map in evaluation, in the map's own precision."""
    net = network(section(name, **keys), shape=image.shape).eval().to(torch.from_numpy(image).dtype)
    held = [array for _, array in net.graph[0].layer.arrays(net.layers[0])]
    with torch.no_grad():
        for array, numbers in zip(held, arrays, strict=bool(arrays)):
            array.copy_(torch.as_tensor(numbers).view(array.shape))
        return net(torch.from_numpy(image)[None])[0][0].numpy()


def near(mine, theirs, tolerance=1e-5):
    """Float32 sums and powers of up to 441 cells in another order: 1e-5 of the greatest value."""
    assert mine.shape == theirs.shape
    assert np.abs(mine.astype(np.float64) - theirs).max() <= tolerance * max(1.0, np.abs(theirs).max())


@pytest.mark.parametrize("name", RULES)
@SETTINGS
@given(cases())
def test_a_pool_is_its_rule_on_the_existing_cells(name, case):
    image, keys = case
    pool, own, of_cells = RULES[name]
    theirs = reference.pool(image.astype(np.float64), of_cells, *window_keys(keys))
    mine = run(pool, image, **own, **keys)
    near(mine, theirs, tolerance=0 if name in EXACT else 1e-5)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("shape", [(2, 7, 9), (2, 4, 4), (2, 13, 5), (2, 1, 6), (2, 2, 2)])
def test_adaptive_bins_are_floor_to_ceil(name, shape):
    pool, own, of_cells = RULES[name]
    image = np.random.default_rng(3).normal(size=shape).astype(np.float32)
    near(run(pool, image, adaptive=4, **own), reference.pool_bins(image.astype(np.float64), of_cells, 4))


def test_adaptive_mixpool_cat_is_the_means_then_the_maxima():
    image = np.random.default_rng(12).normal(size=(2, 7, 9))
    theirs = [reference.pool_bins(image, of_cells, 3) for of_cells in (reference.mean, reference.greatest)]
    near(run("mixpool", image, mode="cat", adaptive=3), np.concatenate(theirs))


@pytest.mark.parametrize("name, own", [("blurpool", {}), ("mixpool", {"mode": "gated"})])
def test_what_has_weights_by_place_has_no_adaptive_form(name, own):
    with pytest.raises(CfgError, match="has no adaptive form"):
        run(name, MAP, adaptive=3, **own)


@pytest.mark.parametrize("shape", [(3, 1, 1), (3, 1, 7), (3, 6, 5)])
def test_global_maxpool_is_the_greatest_cell_of_each_channel(shape):
    image = -np.random.default_rng(4).random(shape).astype(np.float32) - 1
    np.testing.assert_array_equal(run("global_maxpool", image), reference.global_max(image))


@SETTINGS
@given(cases())
def test_mixpool_cat_is_the_means_then_the_maxima(case):
    image, keys = case
    theirs = reference.mean_then_max(image.astype(np.float64), *window_keys(keys))
    near(run("mixpool", image, mode="cat", **keys), theirs)


@SETTINGS
@given(cases(), st.integers(0, 99))
def test_mixpool_gated_weighs_by_the_dot_with_the_window(case, seed):
    image, keys = case
    gate = np.random.default_rng(seed).normal(size=keys["size"] ** 2) / keys["size"]
    theirs = reference.gated(image.astype(np.float64), gate, *window_keys(keys))
    near(run("mixpool", image, gate, mode="gated", **keys), theirs)


@SETTINGS
@given(cases(), st.integers(1, 7))
def test_blurpool_is_the_maximum_then_a_binomial_filter_of_what_exists(case, taps):
    image, keys = case
    theirs = reference.blurred_max(image.astype(np.float64), taps, *window_keys(keys))
    near(run("blurpool", image, filter=taps, **keys), theirs)


def test_blurpool_without_a_key_filters_with_1_2_1():
    image = np.random.default_rng(5).normal(size=(2, 9, 8)).astype(np.float32)
    theirs = reference.blurred_max(image.astype(np.float64), 3, 2, (2, 2))
    near(run("blurpool", image, size=2, stride=2), theirs)


@SETTINGS
@given(cases(), st.floats(1.0, 6.0))
def test_gempool_takes_p_from_its_array(case, p):
    image, keys = case
    theirs = reference.pool(
        image.astype(np.float64), rule(reference.generalised_mean, p=p), *window_keys(keys)
    )
    near(run("gempool", image, [p], **keys), theirs)


def drawn(image, count, **keys):
    """`count` draws of a random mixpool, keyed as different images."""
    net = network(section("mixpool", mode="random", **keys), shape=image.shape).train()
    net.at(seed=1, iteration=1, samples=range(count))
    with torch.no_grad():
        return net(torch.from_numpy(image).expand(count, *image.shape))[0].numpy()


@pytest.mark.parametrize("alpha", [0.5, 0.2])
def test_mixpool_random_is_the_maximum_with_chance_alpha_else_the_mean(alpha):
    image = np.random.default_rng(6).normal(size=(3, 7, 6))
    greatest, mean = (reference.pool(image, r, 3, (2, 2)) for r in (reference.greatest, reference.mean))
    draws = drawn(image, 4000, alpha=alpha, size=3, stride=2)
    is_greatest, is_mean = np.abs(draws - greatest) < 1e-6, np.abs(draws - mean) < 1e-6
    assert (is_greatest | is_mean).all()
    # No window here is flat, which would be both. Six standard deviations of 4000 coins: 0.047.
    assert np.abs(is_greatest.mean(axis=0) - alpha).max() < 0.047


def test_mixpool_random_passes_the_gradient_of_what_it_drew():
    x = torch.randn(1, 2, 6, 6, dtype=torch.float64, requires_grad=True)
    text = section("mixpool", mode="random", size=3, stride=3, padding=0)
    net = network(text, shape=(2, 6, 6)).train()
    net.at(seed=2, iteration=1, samples=[0])
    (out,) = net(x)
    (gradient,) = torch.autograd.grad(out.sum(), x)
    blocks = gradient.view(2, 2, 3, 2, 3).transpose(2, 3).reshape(-1, 9)  # one row a window
    is_greatest = (out == F.max_pool2d(x, 3)).flatten()
    assert 0 < is_greatest.sum() < 8
    assert all(sorted(row.tolist()) == [0] * 8 + [1] for row in blocks[is_greatest])
    torch.testing.assert_close(blocks[~is_greatest], torch.full_like(blocks[~is_greatest], 1 / 9))


def test_mixpool_random_evaluates_to_the_mean_of_its_draws():
    image = np.random.default_rng(7).normal(size=(3, 7, 6)).astype(np.float32)
    theirs = reference.pool(image.astype(np.float64), rule(reference.mixed, alpha=0.5), 3, (2, 2))
    near(run("mixpool", image, mode="random", size=3, stride=2), theirs)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("keys", [{"size": 3, "stride": 2}, {"size": 4, "stride": 1}, {"size": 15}])
def test_a_nan_comes_out_of_the_windows_that_hold_it_and_of_no_other(name, keys):
    pool, own = ALL[name]
    image = np.random.default_rng(8).normal(size=(2, 7, 8)).astype(np.float32)
    poisoned, marked = image.copy(), np.zeros_like(image)
    poisoned[0, 3, 4], marked[0, 3, 4] = math.nan, 1
    window = keys["size"], (keys.get("stride", 1),) * 2
    holds = reference.pool(marked, reference.greatest, *window)
    if name == "blurpool":
        holds = reference.blurred_max(marked, 3, *window)
    clean, mine = run(pool, image, **own, **keys), run(pool, poisoned, **own, **keys)
    holds = np.concatenate([holds] * (len(mine) // len(holds))) > 0
    np.testing.assert_array_equal(np.isnan(mine), holds)
    np.testing.assert_array_equal(mine[~holds], clean[~holds])


@pytest.mark.parametrize("name", ["softpool", "softpool cold", "lsepool", "lsepool 4"])
@pytest.mark.parametrize("scale", [1e3, -1e3])
def test_a_great_cell_far_away_drowns_no_window(name, scale):
    """Each window takes its own greatest cell off its exponents, not the map's."""
    pool, own, of_cells = RULES[name]
    image = np.random.default_rng(9).normal(size=(2, 9, 9)).astype(np.float32)
    image[:, 0, 0] *= scale
    image[1] += 2 * scale
    theirs = reference.pool(image.astype(np.float64), of_cells, 2, (2, 2))
    mine = run(pool, image, size=2, stride=2, **own)
    assert np.abs(mine - theirs).max() <= 1e-3  # float32 near 3000
    assert np.abs(mine - theirs)[0, 1:].max() <= 1e-5


@pytest.mark.parametrize("name", sorted(set(ALL) - {"stochpool"}))
@pytest.mark.parametrize("value", [1.5, 0.0, -0.75])
def test_a_constant_map_stays_constant(name, value):
    pool, own = ALL[name]
    out = run(pool, np.full((2, 7, 5), value), size=4, stride=2, **own)
    if pool == "lppool":
        value = abs(value)
    if pool == "gempool":
        value = max(value, 1e-6)
    np.testing.assert_allclose(out, value, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", sorted(set(ALL) - {"blurpool"}))
@SETTINGS
@given(cases())
def test_what_comes_out_lies_between_the_least_and_the_greatest_cell(name, case):
    image, keys = case
    pool, own = ALL[name]
    image = np.abs(image) + 1e-3 if pool in ("lppool", "gempool") else image
    mine = run(pool, image, **own, **keys)
    greatest = reference.pool(image, reference.greatest, *window_keys(keys))
    least = -reference.pool(-image, reference.greatest, *window_keys(keys))
    if name == "mixpool cat":
        least, greatest = np.concatenate([least] * 2), np.concatenate([greatest] * 2)
    room = 1e-5 * np.maximum(1, np.abs(image).max())
    assert (least - room <= mine).all()
    assert (mine <= greatest + room).all()


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("size", [2, 3])
def test_shifting_the_map_by_the_stride_shifts_the_output(name, size):
    pool, own = ALL[name]
    image = np.random.default_rng(10).normal(size=(2, 16, 24))
    before = run(pool, image, size=size, stride_y=2, stride_x=3, **own)
    after = run(pool, image[:, 2:, 3:], size=size, stride_y=2, stride_x=3, **own)
    assert np.abs(before[:, 3:-2, 3:-2] - after[:, 2:-2, 2:-2]).max() < 1e-12


KEYS = {"size": 3, "stride": 2}
MAP = np.random.default_rng(11).normal(size=(2, 9, 8))
GREATEST, MEAN = (reference.pool(MAP, r, 3, (2, 2)) for r in (reference.greatest, reference.mean))


@pytest.mark.parametrize(
    "name, own, limit",
    [
        ("softpool", {"temperature": 1e-3}, GREATEST),
        ("softpool", {"temperature": 1e6}, MEAN),
        ("lsepool", {"r": 2000}, GREATEST),
        ("lsepool", {"r": 1e-5}, MEAN),
        ("mixpool", {"mode": "add", "alpha": 1}, GREATEST),
        ("mixpool", {"mode": "add", "alpha": 0}, MEAN),
    ],
)
def test_the_ends_of_a_key_are_the_maximum_and_the_mean(name, own, limit):
    # The greatest cell leads by 1e-2 here; (1/r) log 9 is 1.1e-3 at r = 2000.
    assert np.abs(run(name, MAP, **own, **KEYS) - limit).max() < 2e-3


@pytest.mark.parametrize("name", ["lppool", "gempool"])
def test_of_positive_cells_p_1_is_the_mean_and_a_large_p_the_maximum(name):
    cells = np.abs(MAP) + 0.1
    mean, greatest = (reference.pool(cells, r, 3, (2, 2)) for r in (reference.mean, reference.greatest))
    np.testing.assert_allclose(run(name, cells, p=1, **KEYS), mean, rtol=1e-9)
    # The mean divides by up to 9: 9 ** (1 / 200) = 1.011.
    np.testing.assert_allclose(run(name, cells, p=200, **KEYS), greatest, rtol=0.0111)


@pytest.mark.parametrize("name", ["medianpool", "softpool", "lppool", "gempool", "lsepool", "blurpool"])
def test_a_window_of_one_cell_is_that_cell(name):
    cells = np.abs(MAP) + 0.1
    own = {"filter": 1} if name == "blurpool" else {}
    np.testing.assert_allclose(run(name, cells, size=1, stride=1, **own), cells, rtol=1e-12)


@pytest.mark.parametrize("even, middle", [("mean", 2.5), ("lower", 2.0)])
def test_the_median_of_1_2_3_4(even, middle):
    image = np.array([[[4.0, 2.0], [1.0, 3.0]]])
    assert run("medianpool", image, size=2, stride=2, even=even).tolist() == [[[middle]]]
