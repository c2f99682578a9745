"""Reference and parity. Oracle: tests/reference/pools.py, torch's own max pool, yolov3-spp's sections."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.layers.nets import module, network, section
from tests.layers.windows import cases, few
from tests.reference import pools as reference

NEGATIVES = ("relu", "shift", "softmax", "abs")


def expected(image, keys, rule):
    return reference.pool(
        image, rule, keys["size"], (keys["stride_y"], keys["stride_x"]), keys.get("padding")
    )


def pooled(name, image, **keys):
    with torch.inference_mode():
        return module(name, image.shape, **keys).eval()(torch.from_numpy(image)[None])[0].numpy()


def near(mine, theirs):
    """Float32 sums of up to 441 cells in another order: 1e-5 of the greatest value."""
    assert mine.shape == theirs.shape
    assert np.abs(mine.astype(np.float64) - theirs).max() <= 1e-5 * max(1.0, np.abs(theirs).max())


@few
@given(cases())
def test_maxpool_is_the_greatest_existing_cell(case):
    image, keys = case
    np.testing.assert_array_equal(pooled("maxpool", image, **keys), expected(image, keys, reference.greatest))


@few
@given(cases())
def test_local_avgpool_is_the_mean_of_the_existing_cells(case):
    image, keys = case
    near(pooled("local_avgpool", image, **keys), expected(image.astype(np.float64), keys, reference.mean))


@pytest.mark.slow
@few
@given(cases(), st.sampled_from(NEGATIVES))
def test_stochpool_evaluates_to_the_expected_value_of_the_draw(case, negatives):
    image, keys = case
    rule = lambda cells: reference.expected(cells, negatives)  # noqa: E731
    near(
        pooled("stochpool", image, negatives=negatives, **keys),
        expected(image.astype(np.float64), keys, rule),
    )


@few
@given(cases(), st.lists(st.integers(1, 21), min_size=1, max_size=3, unique=True))
def test_spp_is_its_pools_largest_first_and_the_map_last(case, sizes):
    image, _ = case
    mine = pooled("spp", image, sizes=",".join(map(str, sizes)))
    np.testing.assert_array_equal(mine, reference.spp(image, sizes))


@few
@given(cases(), st.sampled_from(["local_avgpool", "stochpool"]))
def test_spp_takes_any_window_pool_by_name(case, pool):
    image, _ = case
    rule = reference.mean if pool == "local_avgpool" else lambda cells: reference.expected(cells, "relu")
    wide = image.astype(np.float64)
    parts = [reference.pool(wide, rule, 4, (1, 1)), reference.pool(wide, rule, 3, (1, 1)), wide]
    near(pooled("spp", image, sizes="3,4", pool=pool), np.concatenate(parts))


@pytest.mark.parametrize("size", [1, 3, 5, 9, 13])
@pytest.mark.parametrize("stride", [1, 2])
def test_maxpool_equals_torchs_kernel_to_the_bit(size, stride):
    x = torch.randn(2, 3, 17, 14)
    theirs = torch.nn.functional.max_pool2d(x, size, stride, size // 2)
    assert torch.equal(module("maxpool", (3, 17, 14), size=size, stride=stride)(x), theirs)


def test_a_pool_of_2_with_stride_1_has_its_extra_cell_at_the_right_and_the_bottom():
    x = -torch.arange(1.0, 10).view(1, 1, 3, 3)
    theirs = [[-1, -2, -3], [-4, -5, -6], [-7, -8, -9]]  # the window begins at its own cell; -0 never wins
    assert module("maxpool", (1, 3, 3), size=2, stride=1)(x).tolist() == [[theirs]]


def test_a_window_larger_than_the_map_sees_all_of_it_everywhere():
    x = torch.randn(1, 2, 4, 6)
    out = module("maxpool", (2, 4, 6), size=13)(x)
    assert torch.equal(out, x.amax((2, 3), keepdim=True).expand(1, 2, 4, 6))


def test_the_papers_window_evaluates_to_2_08():
    window = np.array([[[1.6, 0.0], [0.0, 2.4]]], np.float32)
    assert pooled("stochpool", window, size=2, stride=2).item() == pytest.approx(2.08, abs=1e-6)


@pytest.mark.parametrize("name", ["maxpool", "local_avgpool", "stochpool", "spp"])
@pytest.mark.parametrize("training", [True, False])
def test_channels_last_is_contiguous(name, training):
    keys = {"sizes": "3,4"} if name == "spp" else {"size": 4, "stride": 3}
    pool = module(name, (6, 9, 11), **keys).train(training)
    if name == "stochpool":
        pool.at(seed=0, layer=0, iteration=1, samples=[0, 1])
    x = torch.randn(2, 6, 9, 11)
    torch.testing.assert_close(pool(x.contiguous(memory_format=torch.channels_last)), pool(x))


def test_spp_5_9_13_is_the_six_sections_of_yolov3_spp_to_the_bit():
    conv = section("convolutional", filters=4, size=3, pad=1, activation="leaky")
    pool = {size: section("maxpool", stride=1, size=size) for size in (5, 9, 13)}
    chain = [pool[5], section("route", layers="-2"), pool[9], section("route", layers="-4"), pool[13]]
    six = network(conv, *chain, section("route", layers="-1,-3,-5,-6"), shape=(3, 19, 17)).eval()
    one = network(conv, section("spp", sizes="5,9,13"), shape=(3, 19, 17)).eval()
    image = torch.randn(2, 3, 19, 17)
    assert torch.equal(six(image)[0], one(image)[0])
    assert one(image)[0].shape == (2, 16, 19, 17)
