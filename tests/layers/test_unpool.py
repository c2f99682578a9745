"""Parity and property. Oracle: the backward pass of torch's max pool, which is what unpooling is."""

from __future__ import annotations

import pytest
import torch

from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.diagnostics import CfgError
from darknet_py.graph.lifetime import last_uses
from darknet_py.graph.reach import fields
from tests.layers.nets import network, section

WINDOWS = [
    {"size": 2, "stride": 2}, {"size": 2, "stride": 1}, {"size": 3, "stride": 2}, {"size": 3, "stride": 1},
    {"size": 4, "stride": 3, "padding": 5}, {"size": 1, "stride": 3}, {"size": 13, "stride": 1},
    {"stride_y": 1, "stride_x": 2, "size": 3}, {"adaptive": 3}, {"adaptive": 9},
]  # fmt: skip
MAPS = [(8, 6), (7, 9), (5, 5), (1, 6), (3, 1)]
CONV = section("convolutional", filters=2, size=1, activation="linear")


def undone(height, width, *between, **window):
    """A max pool of the image, some layers, and the unpool that names the pool."""
    last = section("unpool", from_=-1 - len(between))
    return network(section("maxpool", **window), *between, last, shape=(2, height, width)).eval()


@pytest.mark.parametrize("window", WINDOWS, ids=str)
@pytest.mark.parametrize("height, width", MAPS)
def test_unpooling_is_the_backward_pass_of_the_pool(height, width, window):
    net = undone(height, width, CONV, **window)
    x = torch.randn(2, 2, height, width, requires_grad=True)
    pooled, values, out = net.trace(x)
    (backward,) = torch.autograd.grad(pooled, x, values)
    assert out.shape == x.shape
    torch.testing.assert_close(out, backward)
    torch.testing.assert_close(net(x)[0], out)


@pytest.mark.parametrize("height, width", MAPS)
def test_a_pool_without_overlap_and_its_unpool_are_the_identity_at_the_maxima(height, width):
    x = torch.rand(2, 2, height, width) + 1
    (out,) = undone(height, width, size=3, stride=3)(x)
    kept = out != 0
    assert torch.equal(out[kept], x[kept])
    for top in range(0, height, 3):
        for left in range(0, width, 3):
            # The default padding of 2 puts one cell before the map: windows begin at -1, 2, 5, ...
            rows, columns = (slice(max(0, start - 1), start + 2) for start in (top, left))
            block = x[..., rows, columns].flatten(2)
            assert (kept[..., rows, columns].flatten(2).sum(2) == 1).all()
            assert (out[..., rows, columns].flatten(2).sum(2) == block.amax(2)).all()


def test_a_cell_that_is_the_maximum_of_several_windows_gets_the_sum_of_their_values():
    x = torch.zeros(1, 2, 1, 5)
    x[..., 2] = 7
    pooled, out = undone(1, 5, size=3, stride=1).trace(x)
    assert pooled[0, 0].tolist() == [[0, 7, 7, 7, 0]]
    assert out[0, 0].tolist() == [[0, 0, 21, 0, 0]]


def test_of_equal_cells_the_first_gets_the_value():
    out = undone(2, 4, size=2, stride=2)(torch.ones(1, 2, 2, 4))[0]
    assert out[0, 0].tolist() == [[1, 0, 1, 0], [0, 0, 0, 0]]


def test_the_shape_is_the_pools_input_and_the_reads_are_values_pool_and_that_input():
    net = network(CONV, CONV, section("maxpool", size=2, stride=2), CONV, section("unpool", from_=2),
                  shape=(3, 7, 5))  # fmt: skip
    node = net.graph[4]
    assert (node.inputs, node.shape) == ((3, 2, 1), Shape(2, 7, 5))
    assert node.maps == (Shape(2, 4, 3), Shape(2, 4, 3), Shape(2, 7, 5))
    assert last_uses(net.graph)[4] == (1, 2, 3)


def reach(net, height, width):
    """Rows and columns of the image that change the output cell that is changed from farthest apart."""
    image = torch.randn(1, 2, height, width).double()
    cells = height * width
    moves = torch.eye(cells).double().view(cells, 1, height, width)
    many = image.repeat(cells, 1, 1, 1)
    with torch.no_grad():
        still = net(many)[0]
        seen = sum((net(many + sign * 50 * moves)[0] != still).any(dim=1) for sign in (1, -1)) > 0
    apart = []
    for sees in seen.view(height, width, -1).unbind(dim=-1):
        rows, columns = sees.nonzero().unbind(dim=1)
        apart.append([len({*axis.tolist()}) and int(axis.max() - axis.min()) + 1 for axis in (rows, columns)])
    return tuple(map(max, zip(*apart, strict=True)))


@pytest.mark.parametrize(
    "window, sees",
    [({"size": 2, "stride": 2}, 2), ({"size": 3, "stride": 1}, 5), ({"size": 3, "stride": 2}, 5),
     ({"size": 2, "stride": 1}, 3), ({"size": 5, "stride": 3}, 8)],
)  # fmt: skip
def test_it_sees_what_the_windows_that_cover_a_cell_see(window, sees):
    net = undone(15, 15, **window).double()
    assert fields(net.graph)[-1].reach == (sees, sees)
    assert reach(net, 15, 15) == (sees, sees)


def test_it_sees_what_the_pool_saw_even_when_its_values_come_from_elsewhere():
    one_pixel = section("convolutional", filters=2, size=1, stride=2, activation="linear")
    net = network(
        section("upsample", stride=1), section("maxpool", size=2, stride=2),
        section("route", layers=0), one_pixel, section("unpool", from_=1), shape=(2, 10, 10),
    ).double()  # fmt: skip
    assert [field.reach for field in fields(net.graph)[-2:]] == [(1, 1), (2, 2)]
    assert reach(net, 10, 10) == (2, 2)


def refusal(*sections):
    with pytest.raises(CfgError) as caught:
        network(*sections, shape=(2, 7, 5))
    (error,) = caught.value.diagnostics
    return error


def test_what_it_undoes_must_be_a_max_pool_over_cells():
    error = refusal(CONV, section("unpool", from_=0))
    assert error.message == "from=0 is [convolutional]; it must be a [maxpool] over cells"
    assert error.source == "from=0"
    error = refusal(section("maxpool", maxpool_depth=1, out_channels=2), section("unpool", from_=-1))
    assert error.message == "from=-1 is [maxpool] over channels; it must be a [maxpool] over cells"


@pytest.mark.parametrize("from_", [1, 2, -3])
def test_what_it_undoes_must_be_an_earlier_layer(from_):
    error = refusal(section("maxpool", size=2), section("unpool", from_=from_))
    assert (error.code, error.source) == ("bad-reference", f"from={from_}")


def test_values_of_another_shape_are_refused_with_both_shapes():
    pool, wider = section("maxpool", size=2, stride=2), section("convolutional", filters=5)
    error = refusal(pool, wider, section("unpool", from_=0))
    assert error.message == "[unpool] gets a map of 5 x 4 x 3; the pool it inverts outputs 2 x 4 x 3"
    assert (error.code, error.source, error.suggestion) == ("shapes-differ", "filters=5", "2")
    error = refusal(pool, section("maxpool", size=2, stride=2), section("unpool", from_=0))
    assert error.message == "[unpool] gets a map of 2 x 2 x 2; the pool it inverts outputs 2 x 4 x 3"
    assert (error.source, error.suggestion) == ("from=0", "")


def test_unpooling_twice_returns_to_the_size_of_the_image():
    pools = [section("maxpool", size=2, stride=2), section("maxpool", size=3, stride=2)]
    net = network(*pools, section("unpool", from_=1), section("unpool", from_=0), shape=(2, 13, 10))
    x = torch.rand(1, 2, 13, 10) + 1
    (out,) = net(x)
    assert out.shape == x.shape
    greatest = x == x.amax(dim=(2, 3), keepdim=True)
    # It is the maximum of every window that covers it, which overlap in the second pool: once or more.
    assert (out[greatest] / x[greatest]).tolist() in ([a, b] for a in (1, 2, 4) for b in (1, 2, 4))
