"""Reference and property. Oracle: the exact distribution of tests/reference/pools.py, cell by cell.

Statistics use a fixed seed and bounds that chance alone exceeds less than once in a million runs.
"""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.layers.nets import module
from tests.layers.windows import cases, few
from tests.reference import pools as reference

NEGATIVES = ("relu", "shift", "softmax", "abs")
SHAPE = (5, 4)  # with size 3, stride 2 and the default padding: 3 x 2 windows of 4 to 9 cells
CHANNELS = 180_000  # times 6 windows: 1.08 million draws


def plane():
    """One map whose cells are all different, a third of them negative, one window without a positive cell."""
    values = np.linspace(-1, 2, 20)
    values = np.random.default_rng(3).permutation(values).reshape(SHAPE)
    values[3:, 1:] = [-0.3, -0.7, -0.2], [-0.9, -0.1, -0.5]
    return values.astype(np.float32)


@pytest.fixture(scope="module")
def drawn():
    """For each kind: every draw (CHANNELS, 3, 2) from the same map in all channels."""
    x = torch.from_numpy(plane()).expand(1, CHANNELS, *SHAPE)
    found = {}
    for negatives in NEGATIVES:
        pool = module("stochpool", (1, *SHAPE), size=3, stride=2, negatives=negatives).train()
        pool.at(seed=7, layer=0, iteration=1, samples=[0])
        found[negatives] = pool(x)[0].numpy()
    return found


def unlikely(freedom):
    """The chi-square that a true hypothesis exceeds once in 3 million times (Wilson and Hilferty 1931)."""
    return freedom * (1 - 2 / (9 * freedom) + 5 * (2 / (9 * freedom)) ** 0.5) ** 3


def windows():
    return reference.windows(SHAPE, 3, (2, 2)).items()


@pytest.mark.parametrize("negatives", NEGATIVES)
def test_a_million_draws_follow_the_exact_distribution(drawn, negatives):
    statistic = freedom = 0
    for place, cells in windows():
        values = [plane()[cell] for cell in cells]
        chances = np.array(reference.chances(values, negatives))
        counts = np.array([(drawn[negatives][(slice(None), *place)] == value).sum() for value in values])
        assert counts.sum() == CHANNELS, "every draw is the raw value of a cell of its window"
        assert not counts[chances == 0].any()
        likely = chances > 0
        statistic += ((counts - CHANNELS * chances)[likely] ** 2 / (CHANNELS * chances[likely])).sum()
        freedom += likely.sum() - 1
    assert statistic < unlikely(freedom)


def test_the_chi_square_of_another_distribution_is_refused(drawn):
    """A control: the bound above can fail."""
    place, cells = next(iter(windows()))
    values = [plane()[cell] for cell in cells]
    wrong = CHANNELS * np.array(reference.chances(values, "softmax"))
    counts = np.array([(drawn["abs"][(slice(None), *place)] == value).sum() for value in values])
    assert ((counts - wrong) ** 2 / wrong).sum() > unlikely(len(values) - 1)


@pytest.mark.parametrize("negatives", NEGATIVES)
def test_the_mean_of_draws_tends_to_the_evaluation_rule(drawn, negatives):
    pool = module("stochpool", (1, *SHAPE), size=3, stride=2, negatives=negatives).eval()
    rule = pool(torch.from_numpy(plane())[None, None])[0, 0].numpy()
    draws = drawn[negatives].astype(np.float64)
    error = draws.std(axis=0) / CHANNELS**0.5
    assert (np.abs(draws.mean(axis=0) - rule) <= 5 * error + 1e-6).all()


def test_without_a_positive_cell_training_draws_uniformly_and_evaluation_takes_the_mean():
    window = torch.tensor([[-1.0, -2.0], [-3.0, -6.0]])
    pool = module("stochpool", (1, 2, 2), size=2, stride=2)
    assert pool.eval()(window[None, None]).item() == -3.0
    draws = pool.train()(window.expand(1, 100_000, 2, 2)).flatten()
    counts = np.array([(draws == value).sum() for value in window.flatten()])
    assert counts.sum() == 100_000
    assert ((counts - 25_000) ** 2 / 25_000).sum() < unlikely(3)


@few
@given(cases(), st.sampled_from(NEGATIVES), st.sampled_from([1.0, 1e-3, 1e-30, 1e-44]))
def test_a_draw_is_a_cell_of_its_own_window(case, negatives, scale):
    image, keys = case
    image = (image - 5) * np.float32(scale)  # no zero among the cells; at 1e-44 few bits are left
    pool = module("stochpool", image.shape, negatives=negatives, **keys).train()
    out = pool(torch.from_numpy(image)[None])[0].numpy()
    places = reference.windows(
        image.shape[1:], keys["size"], (keys["stride_y"], keys["stride_x"]), keys.get("padding")
    )
    for channel in range(len(image)):
        for place, cells in places.items():
            assert out[(channel, *place)] in {image[(channel, *cell)] for cell in cells}


@pytest.mark.parametrize("negatives", NEGATIVES)
@pytest.mark.parametrize("uniform", [0.0, 1 - 2.0**-24])
@pytest.mark.parametrize("scale", [1.0, 1e-44])
def test_the_extreme_random_numbers_draw_cells_that_have_a_chance(monkeypatch, negatives, uniform, scale):
    image = (np.random.default_rng(0).normal(size=(1, 7, 7)) * scale).astype(np.float32)
    pool = module("stochpool", image.shape, negatives=negatives, size=3).train()
    monkeypatch.setattr(pool, "uniform", lambda size, like: torch.full(tuple(size), uniform))
    out = pool(torch.from_numpy(image)[None])[0, 0].numpy()
    for place, cells in reference.windows((7, 7), 3, (1, 1)).items():
        values = [image[(0, *cell)] for cell in cells]
        chances = reference.chances(values, negatives)
        assert out[place] in {value for value, chance in zip(values, chances, strict=True) if chance > 0}


@pytest.mark.parametrize("negatives", NEGATIVES)
@pytest.mark.parametrize("size", [2, 3, 17])
def test_the_gradient_goes_to_the_drawn_cell_alone(negatives, size):
    pool = module("stochpool", (2, 6, 5), size=size, stride=2, negatives=negatives).train()
    pool.at(seed=1, layer=0, iteration=1, samples=[0])
    x = torch.randn(1, 2, 6, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    x.requires_grad_()
    weights = torch.rand(pool(x).shape, dtype=torch.float64) + 0.5
    (gradient,) = torch.autograd.grad((pool(x) * weights).sum(), x)
    wanted = torch.zeros_like(x)
    for place in np.ndindex(*pool(x).shape):
        wanted[0, place[1]][x[0, place[1]] == pool(x)[place]] += weights[place]
    torch.testing.assert_close(gradient, wanted)


@pytest.mark.parametrize("negatives", NEGATIVES)
@pytest.mark.parametrize("training", [True, False])
def test_stochpool_passes_gradcheck_in_float64(negatives, training):
    pool = module("stochpool", (2, 5, 4), size=3, stride=2, negatives=negatives).train(training)
    pool.at(seed=2, layer=0, iteration=1, samples=[0, 1])
    x = torch.randn(2, 2, 5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    assert torch.autograd.gradcheck(pool, x.requires_grad_())


@pytest.mark.parametrize("negatives", NEGATIVES)
@pytest.mark.parametrize("training", [True, False])
def test_half_numbers_are_pooled_as_exactly_as_they_can_be_written(negatives, training):
    pool = module("stochpool", (2, 8, 8), size=3, negatives=negatives).train(training)
    pool.at(seed=0, layer=0, iteration=1, samples=[0])
    x = (torch.randn(1, 2, 8, 8) * 3000).half()  # squares are beyond 65504
    assert pool(x).equal(pool(x.float()).half())
    assert pool(x).dtype == torch.float16


@pytest.mark.parametrize("negatives", NEGATIVES)
@pytest.mark.parametrize("training", [True, False])
def test_a_window_with_nan_puts_out_nan(negatives, training):
    x = torch.ones(1, 1, 6, 6)
    x[0, 0, 2, 2] = torch.nan
    out = module("stochpool", (1, 6, 6), size=2, stride=2, negatives=negatives).train(training)(x)
    assert out.isnan().nonzero().tolist() == [[0, 0, 1, 1]]


def saved_bytes(size):
    pool, x = module("stochpool", (4, 24, 24), size=size).train(), torch.randn(1, 4, 24, 24)
    sizes = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: sizes.append(t.nbytes) or t, lambda t: t):
        pool(x.requires_grad_())
    return sum(sizes), x.nbytes


@pytest.mark.parametrize("size", [2, 5, 13, 19])
def test_stochpool_saves_no_more_than_one_map_for_the_way_back(size):
    saved, one_map = saved_bytes(size)
    assert 0 < saved <= one_map


PEAK = """
import resource, torch
from darknet_py.ops.pools.stochpool import StochasticPool
from darknet_py.ops.pools.window import Grid
torch.set_num_threads(1)
x = torch.randn(1, 16, 128, 128, requires_grad=True)
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
ballast, start = [], peak()
while peak() < start + 2**25:  # until what is held now is the peak, and more of it shows
    ballast.append(torch.ones(2**24))
for size in (3, 19):
    pool = StochasticPool(Grid(size, (1, 1), size - 1), "shift")
    pool(x).sum().backward()
    print(peak())
torch.nn.functional.unfold(x.detach(), 19, padding=9)
print(peak())
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux")
def test_the_peak_of_stochpool_does_not_grow_with_the_windows_area():
    said = subprocess.run([sys.executable, "-c", PEAK], capture_output=True, text=True, check=True)
    small, large, unfolded = map(float, said.stdout.split())
    one_map = 16 * 128 * 128 * 4
    assert large - small < 64 * one_map, "a fifth of the 361 maps that the window holds"
    assert unfolded - large > 256 * one_map, "a control: the measure sees 361 maps"
