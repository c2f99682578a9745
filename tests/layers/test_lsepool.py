"""Reference. Oracle: (1/r) log(mean(exp(r x))) in float64, and its limits, the mean and the maximum."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from darknet_py.ops.pools.reduction import WindowReduction
from tests.layers.nets import network, section
from tests.reference import pools as reference

SHAPE = (3, 21, 23)
SMALL = [1e-1, 1e-2, 1e-3, 1e-4, 1e-5]
EPSILON = float(np.finfo(np.float32).eps)


def image(scale: float = 1.0, offset: float = 0.0, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    noise = np.random.default_rng(3).normal(size=shape)
    return (offset + scale * noise).astype(np.float32)


def both(shape: tuple[int, ...], **keys: float) -> dict[str, torch.nn.Module]:
    """The kernel and the definition."""
    net = network(section("lsepool", **keys), shape=shape)
    pool = net.graph[0].layer
    return {"kernel": net.layers[0], "definition": WindowReduction(pool.grid(), pool.reduce)}


def forms(pixels: np.ndarray, r: float, size: int, stride: int) -> dict[str, np.ndarray]:
    """What they put out."""
    modules, batch = both(pixels.shape, size=size, stride=stride, r=r), torch.from_numpy(pixels)[None]
    with torch.no_grad():
        return {form: pool(batch)[0].numpy() for form, pool in modules.items()}


def truth(pixels: np.ndarray, r: float, size: int, stride: int) -> np.ndarray:
    """At r = 1e-5 float64 loses 1e-16 / r = 1e-11 of it."""
    rule = lambda cells: reference.log_sum_exp(cells, r=r)  # noqa: E731
    return reference.pool(pixels.astype(np.float64), rule, size, (stride, stride))


@pytest.mark.parametrize(("scale", "offset"), [(1.0, 0.0), (1.0, -50.0), (1e-3, 0.0), (30.0, 5.0)])
@pytest.mark.parametrize("r", SMALL)
def test_a_small_r_loses_no_digit(r: float, scale: float, offset: float) -> None:
    """In units of the greatest cell, float32 rounds a difference of cells, its multiple by r, and expm1 (half
    an epsilon each), the running sum of 25 cells (at most 25 halves, as a walk some 3), log1p, the last sum.
    Together some 6; 8 are allowed. The plain logarithm of the mean loses epsilon / r, 8000 at 1e-5.
    """
    pixels = image(scale, offset)
    allowed = 8 * EPSILON * np.abs(pixels).max()
    for form, mine in forms(pixels, r, 5, 2).items():
        assert np.abs(mine - truth(pixels, r, 5, 2)).max() <= allowed, form


def test_the_plain_formula_would_fail_this() -> None:
    pixels = image()
    cells = np.sort(pixels[0].ravel())[-25:]
    plain = cells.max() + np.log(np.exp((cells - cells.max()) * np.float32(1e-5)).mean()) / np.float32(1e-5)
    assert plain.dtype == np.float32
    assert abs(plain - cells.astype(np.float64).mean()) > 100 * EPSILON * np.abs(pixels).max()


@pytest.mark.parametrize("r", [1.0, 10.0, 100.0])
@pytest.mark.parametrize(("size", "stride"), [(2, 2), (19, 7)])
def test_a_large_r_loses_none_either(r: float, size: int, stride: int) -> None:
    """The sum is 1 and more, and its logarithm is divided by r; the running sum of 361 cells is the most."""
    pixels = image()
    for form, mine in forms(pixels, r, size, stride).items():
        assert np.abs(mine - truth(pixels, r, size, stride)).max() <= 20 * EPSILON * 5, form


@pytest.mark.parametrize("r", [1e-300, 1e-46, 1e-38, 1e-30, 1e-7])
def test_towards_0_it_is_the_mean(r: float) -> None:
    pixels = image()
    mean = reference.pool(pixels.astype(np.float64), reference.mean, 5, (2, 2))
    for form, mine in forms(pixels, r, 5, 2).items():
        assert np.abs(mine - mean).max() <= 8 * EPSILON * np.abs(pixels).max(), form


@pytest.mark.parametrize("r", [1e9, 1e38, 1e300])
def test_far_from_0_it_is_the_maximum(r: float) -> None:
    greatest = reference.pool(image(), reference.greatest, 5, (2, 2))
    for form, mine in forms(image(), r, 5, 2).items():
        np.testing.assert_allclose(mine, greatest, rtol=1e-6, err_msg=form)


@pytest.mark.parametrize("r", [0.99, 1.0])
def test_a_window_of_many_cells_with_one_that_leads(r: float) -> None:
    """The mean is 1 / 14400; its distance from 1 has few of its digits in float32."""
    pixels = np.full((1, 120, 120), -40.0, np.float32)
    pixels[0, 60, 60] = 0.0
    pool = both(pixels.shape, adaptive=1, r=r)["kernel"]
    (out,) = pool(torch.from_numpy(pixels)[None]).ravel().tolist()
    assert out == pytest.approx(-np.log(14400) / r, rel=1e-6)


@pytest.mark.parametrize("r", [1e-5, 1e-2, 1.0, 100.0])
def test_the_gradient_is_each_cells_share(r: float) -> None:
    """Shares of one window sum to 1; in float32 each has an error of some epsilon of it."""
    x = torch.from_numpy(image())[None].requires_grad_()
    pool = both(SHAPE, size=5, stride=5, padding=0, r=r)["kernel"]
    pool(x).sum().backward()
    windows = image().astype(np.float64)[:, :20, :20].reshape(3, 4, 5, 4, 5)
    shares = np.exp(r * (windows - windows.max(axis=(2, 4), keepdims=True)))
    shares /= shares.sum(axis=(2, 4), keepdims=True)
    mine = x.grad.numpy()[0]
    # An exponent of 300 and more has an error of 300 epsilon, and so have the shares.
    np.testing.assert_allclose(mine[:, :20, :20], shares.reshape(3, 20, 20), rtol=0, atol=1e-6 + 1e-7 * r)
    assert not mine[:, 20:].any()
    assert not mine[:, :, 20:].any()


@pytest.mark.parametrize("r", [1e-3, 0.3, 20.0])
@pytest.mark.parametrize("keys", [{"size": 3, "stride": 2}, {"adaptive": 3}])
def test_the_kernels_gradient_is_the_definitions(keys: dict[str, int], r: float) -> None:
    x = torch.randn(2, 3, 8, 7, dtype=torch.float64, requires_grad=True)
    mine, theirs = (pool(x) for pool in both((3, 8, 7), r=r, **keys).values())
    torch.testing.assert_close(mine, theirs, rtol=1e-12, atol=1e-12)
    pull = torch.randn_like(mine)
    grads = [torch.autograd.grad(out, x, pull)[0] for out in (mine, theirs)]
    torch.testing.assert_close(*grads, rtol=1e-10, atol=1e-12)
