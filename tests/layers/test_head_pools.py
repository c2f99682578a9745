"""Reference and property. Oracle: tests/reference/head_pools.py, and lengths that must be 1."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from tests.layers.nets import network, section
from tests.layers.windows import cases, few
from tests.reference import head_pools as reference
from tests.reference import pools as windows

SETTINGS = settings(few, max_examples=25)
POOLS = {"maxpool": windows.greatest, "local_avgpool": windows.mean, "medianpool": windows.median}
CLUSTERS = 4


def rng(seed):
    return np.random.default_rng(seed)


def run(name, image, *arrays, **keys):
    """What a section makes of a map in evaluation, in float64; `arrays` go where `.weights` puts them."""
    net = network(section(name, **keys), shape=image.shape).eval().double()
    held = [array for _, array in net.graph[0].layer.arrays(net.layers[0])]
    assert len(held) == len(arrays)
    with torch.no_grad():
        for array, numbers in zip(held, arrays, strict=True):
            array.copy_(torch.from_numpy(numbers).view(array.shape))
        return net(torch.from_numpy(np.asarray(image, np.float64))[None])[0][0].numpy()


def near(mine, theirs):
    """Float64 sums in another order, and epsilons under a length that differ."""
    assert mine.shape == theirs.shape
    np.testing.assert_allclose(mine, theirs, rtol=1e-8, atol=1e-9)


def held_maps(net, image):
    """Every layer's map of one image, without the batch's axis."""
    with torch.no_grad():
        return [held[0].numpy() for held in net.double().eval().trace(torch.from_numpy(image)[None])]


@SETTINGS
@given(cases(), st.lists(st.integers(1, 6), min_size=1, max_size=4), st.sampled_from(sorted(POOLS)))
def test_sppnet_is_its_levels_in_the_order_given_each_channel_row_by_row(case, levels, pool):
    image = case[0].astype(np.float64)
    theirs = reference.sppnet(image, levels, POOLS[pool])
    near(run("sppnet", image, levels=",".join(map(str, levels)), pool=pool), theirs)


@pytest.mark.parametrize("size", [(13, 13), (5, 9), (4, 4), (3, 2), (1, 1)])
def test_sppnet_has_4_2_1_maxima_and_one_length_for_every_map(size):
    image = rng(0).normal(size=(3, *size))
    out = run("sppnet", image)
    assert out.shape == (3 * (16 + 4 + 1), 1, 1)
    near(out, reference.sppnet(image, (4, 2, 1), windows.greatest))


def codebook(seed, depth):
    """W, b and c of a NetVLAD, in no relation to each other."""
    draw = rng(seed)
    return (
        draw.normal(size=(CLUSTERS, depth)),
        draw.normal(size=CLUSTERS),
        draw.normal(size=(CLUSTERS, depth)),
    )


@pytest.mark.parametrize("normalize_input", [0, 1])
@pytest.mark.parametrize("shape", [(3, 5, 7), (5, 1, 6), (2, 1, 1), (1, 4, 4)])
def test_netvlad_is_equation_4(shape, normalize_input):
    image, arrays = rng(1).normal(size=shape) * 2, codebook(2, shape[0])
    mine = run("netvlad", image, *arrays, clusters=CLUSTERS, normalize_input=normalize_input)
    near(mine, reference.netvlad(image, *arrays, normalize_input))


def test_netvlad_has_length_1_and_each_cluster_an_equal_part_of_it():
    out = run("netvlad", rng(3).normal(size=(6, 4, 5)), *codebook(4, 6), clusters=CLUSTERS)
    np.testing.assert_allclose((out.reshape(CLUSTERS, 6) ** 2).sum(axis=1), 1 / CLUSTERS, rtol=1e-6)


def test_netvlad_does_not_see_where_a_descriptor_stands():
    image, arrays = rng(5).normal(size=(4, 3, 6)), codebook(6, 4)
    shuffled = image.reshape(4, 18)[:, rng(7).permutation(18)].reshape(4, 3, 6)
    keys = {"clusters": CLUSTERS}
    near(run("netvlad", shuffled, *arrays, **keys), run("netvlad", image, *arrays, **keys))


@pytest.mark.parametrize("normalize_input", [0, 1])
def test_netvlad_of_zeros_and_of_a_map_that_is_a_centre_is_finite_and_so_is_its_gradient(normalize_input):
    arrays = codebook(9, 3)
    arrays[2][0] = 0  # the residual to this centre is 0 where the map is
    text = section("netvlad", clusters=CLUSTERS, normalize_input=normalize_input)
    net = network(text, shape=(3, 2, 2)).double()
    with torch.no_grad():
        for (_, array), numbers in zip(net.graph[0].layer.arrays(net.layers[0]), arrays, strict=True):
            array.copy_(torch.from_numpy(numbers).view(array.shape))
    x = torch.zeros(1, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    (out,) = net(x)
    gradients = torch.autograd.grad(out.sum(), [x, *net.parameters()])
    assert out.isfinite().all()
    assert all(gradient.isfinite().all() for gradient in gradients)


def test_netvlad_begins_with_weights_and_biases_that_follow_from_its_centres():
    net = network(section("netvlad", clusters=CLUSTERS, alpha=3), shape=(5, 2, 2))
    (_, weights), (_, biases), (_, centres) = net.graph[0].layer.arrays(net.layers[0])
    torch.testing.assert_close(weights, 6 * centres)
    torch.testing.assert_close(biases, -3 * centres.square().sum(dim=1))


class Largest(TorchDispatchMode):
    """The most numbers that any tensor held while it was on."""

    numbers = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        if isinstance(out, torch.Tensor):
            self.numbers = max(self.numbers, out.numel())
        return out


@pytest.mark.parametrize("normalize_input", [0, 1])
def test_netvlad_never_holds_all_residuals_of_all_cells(normalize_input):
    net = network(section("netvlad", clusters=16, normalize_input=normalize_input), shape=(8, 10, 10))
    x = torch.randn(2, 8, 10, 10, requires_grad=True)
    with Largest() as largest:
        net(x)[0].sum().backward()
    assert largest.numbers <= 2 * 16 * 100  # the assignment: N x K x cells


@pytest.mark.parametrize("shape", [(3, 5, 7), (4, 1, 6), (5, 1, 1), (1, 3, 3)])
def test_bilinear_of_a_map_with_itself(shape):
    image = rng(10).normal(size=shape)
    near(run("bilinear", image), reference.bilinear(image, image))


def two_convolutions(last, **keys):
    """A network of 3 and of 4 channels side by side, and a section that reads the second and the first."""
    conv = [section("convolutional", filters=f, size=1, activation="linear") for f in (3, 4)]
    return network(*conv, section(last, **keys), shape=(2, 5, 6))


@pytest.mark.parametrize("reference_key", [-2, 0])
def test_bilinear_of_two_maps_has_the_map_before_down_and_the_named_one_across(reference_key):
    net = two_convolutions("bilinear", from_=reference_key)
    named, before, out = held_maps(net, rng(11).normal(size=(2, 5, 6)))
    assert out.shape == (12, 1, 1)
    near(out, reference.bilinear(before, named))


def test_bilinear_keeps_signs_and_has_length_1():
    image = rng(12).normal(size=(4, 3, 3))
    out = run("bilinear", image).reshape(4, 4)
    assert (np.sign(out) == np.sign(np.einsum("ahw,bhw->ab", image, image))).all()
    assert (out**2).sum() == pytest.approx(1)


def test_bilinear_takes_its_epsilon_from_the_key():
    image = rng(13).normal(size=(3, 4, 4)) / 10
    near(run("bilinear", image, sqrt_eps=0.5), reference.bilinear(image, image, eps=0.5))


def test_bilinear_of_zeros_is_zeros_with_a_finite_gradient():
    x = torch.zeros(1, 3, 2, 2, requires_grad=True)
    out = network(section("bilinear"), shape=(3, 2, 2))(x)[0]
    out.sum().backward()
    assert out.eq(0).all()
    assert x.grad.isfinite().all()


def unpooled(image, **keys):
    """The maps of a max pool, a convolution that changes its values, and the unpool that names the pool."""
    channels = len(image)
    conv = section("convolutional", filters=channels, size=1, activation="linear")
    net = network(section("maxpool", **keys), conv, section("unpool", from_=0), shape=image.shape)
    return held_maps(net, image)


@SETTINGS
@given(cases())
def test_unpool_adds_each_value_where_the_pool_found_its_maximum(case):
    image, keys = case[0].astype(np.float64), case[1]
    _, values, mine = unpooled(image, **keys)
    strides = keys["stride_y"], keys["stride_x"]
    places = windows.windows(image.shape[1:], keys["size"], strides, keys.get("padding"))
    near(mine, reference.unpool(values, image, places))


@pytest.mark.parametrize("size", [(7, 9), (4, 4), (1, 6), (2, 2)])
def test_unpool_takes_the_bins_of_an_adaptive_pool(size):
    image = rng(18).normal(size=(2, *size))
    _, values, mine = unpooled(image, adaptive=3)
    near(mine, reference.unpool(values, image, windows.bins(size, 3)))


def test_unpool_sums_what_overlapping_windows_put_into_one_cell():
    image = np.zeros((1, 5, 5))
    image[0, 2, 2] = 9
    net = network(section("maxpool", size=3, stride=1), section("unpool", from_=-1), shape=(1, 5, 5))
    out = held_maps(net, image)[1]
    assert out[0, 2, 2] == 9 * 9  # nine windows hold the cell
    assert out.sum() == 81


def test_unpool_reads_the_pool_it_names_and_not_the_nearest():
    image = rng(14).normal(size=(2, 7, 9))
    pools = [section("maxpool", size=2, stride=2), section("upsample", stride=1)]
    pools.append(section("maxpool", size=3, stride=1))
    net = network(*pools, section("unpool", from_=0), shape=image.shape)
    *_, values, out = held_maps(net, image)
    near(out, reference.unpool(values, image, windows.windows((7, 9), 2, (2, 2))))


def test_unpool_passes_its_gradient_to_the_values_as_the_pool_chose():
    image = torch.from_numpy(rng(15).normal(size=(1, 2, 5, 7))).requires_grad_()
    text = section("maxpool", size=3, stride=2), section("unpool", from_=-1)
    net = network(*text, shape=(2, 5, 7)).double()
    (out,) = net(image)
    weight = torch.from_numpy(rng(16).normal(size=out.shape))
    (mine,) = torch.autograd.grad((out * weight).sum(), image)
    # Each maximum reads the weight of the one cell that it came from, once for each window that chose it.
    places = windows.windows((5, 7), 3, (2, 2))
    chosen = reference.unpool(np.ones((2, 3, 4)), image.detach().numpy()[0], places)
    near(mine[0].numpy(), chosen * weight[0].numpy())


def test_unpool_finds_the_pools_positions_in_a_networks_forward():
    image = rng(17).normal(size=(2, 9, 5))
    net = network(section("maxpool", size=2), section("unpool", from_=0), shape=image.shape).double()
    with torch.no_grad():
        (out,) = net(torch.from_numpy(image)[None])
    values = windows.pool(image, windows.greatest, 2, (1, 1))
    near(out[0].numpy(), reference.unpool(values, image, windows.windows((9, 5), 2, (1, 1))))
