"""Parity. Oracle: torch's max pool on a padded map, and sorting: values, and which of equal cells is it."""

from __future__ import annotations

from itertools import product

import pytest
import torch
import torch.nn.functional as F

from darknet_py.layers.pools.maxpool import GrownMaxPool, MaxPool
from darknet_py.ops.pools.median import Median
from darknet_py.ops.pools.window import Grid
from tests.layers.nets import network, section

FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
WINDOWS = [
    (2, 1, 1),
    (2, 2, 1),
    (2, 2, 0),
    (3, 2, 2),
    (4, 1, 3),
    (5, 1, 4),
    (9, 1, 8),
    (13, 1, 12),
    (19, 1, 18),
]


def image(format_: str, *, ties: bool) -> torch.Tensor:
    x = torch.randn((2, 16, 19, 17), generator=torch.Generator().manual_seed(7))
    return (x.round() if ties else x).contiguous(memory_format=FORMATS[format_]).requires_grad_()


def near(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    """Sums of up to 361 gradients, in another order."""
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=5e-5)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize(("size", "stride", "padding"), WINDOWS)
def test_maxima_and_their_gradient_are_torchs(
    size: int, stride: int, padding: int, format_: str, ties: bool
) -> None:
    x, grid = image(format_, ties=ties), Grid(size, (stride, stride), padding)
    ours, theirs = grid.maximum(x), F.max_pool2d(grid.pad(x, -torch.inf), size, stride)
    assert ours.equal(theirs)
    pull = torch.randn(ours.shape, generator=torch.Generator().manual_seed(8))
    near(*(torch.autograd.grad((y * pull).sum(), x)[0] for y in (ours, theirs)))


@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize(("size", "stride", "padding"), [*WINDOWS, (3, 1, 3), (8, 3, 7)])
def test_of_cells_that_equal_a_median_the_first_has_the_gradient(
    size: int, stride: int, padding: int, format_: str, lower: bool
) -> None:
    """Oracle: sorting, window by window."""
    x, grid = image(format_, ties=True), Grid(size, (stride, stride), padding)
    x = x[:1, :2].detach().contiguous(memory_format=FORMATS[format_]).requires_grad_()
    ours = Median(grid, lower=lower)(x)
    pull = torch.randn(ours.shape, generator=torch.Generator().manual_seed(10))
    wanted, slopes = torch.zeros_like(ours), torch.zeros_like(x).contiguous()
    edges = [grid.edges(x.shape[axis + 2], axis) for axis in (0, 1)]
    for (n, c), (i, rows), (j, columns) in product(
        product(range(x.shape[0]), range(x.shape[1])), enumerate(edges[0]), enumerate(edges[1])
    ):
        window = (n, c, slice(max(0, rows[0]), rows[1]), slice(max(0, columns[0]), columns[1]))
        cells = x[window].detach().flatten()
        ordered, count = cells.sort().values, cells.numel()
        middles = [ordered[(count - 1) // 2]] + [ordered[count // 2]] * (not lower)
        wanted[n, c, i, j] = sum(middles) / len(middles)
        for middle in middles:
            first = (cells == middle).nonzero()[0, 0]
            y, z = divmod(int(first), x[window].shape[1])
            slopes[n, c, window[2].start + y, window[3].start + z] += pull[n, c, i, j] / len(middles)
    assert ours.equal(wanted)
    near(torch.autograd.grad((ours * pull).sum(), x)[0], slopes)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("sizes", [(5, 9, 13), (13, 9, 5), (5, 5, 19), (2, 3, 4), (4, 8, 9)])
def test_sibling_pools_of_a_cfg_are_what_each_would_be_alone(
    sizes: tuple[int, ...], ties: bool, training: bool
) -> None:
    """As yolov3-spp's six sections; the first of equal cells has the gradient, past the chain."""
    parts = []
    for number, size in enumerate(sizes):  # each pool reads the image: layer 0 passes it on
        parts += [section("route", layers="0")] if number else []
        parts.append(section("maxpool", size=size, stride=1))
    last = 2 * len(sizes) - 1
    joined = section("route", layers=",".join(str(k) for k in range(1, last + 1, 2)))
    net = network(section("dropout", probability=0), *parts, joined, shape=(16, 19, 17)).train(training)
    x = image("channels_last", ties=ties)
    (ours,) = net(x)
    grids = [Grid(size, (1, 1), size - 1) for size in sizes]
    theirs = torch.cat(
        [F.max_pool2d(g.pad(x, -torch.inf), size, 1) for g, size in zip(grids, sizes, strict=True)], dim=1
    )
    assert ours.equal(theirs)
    pull = torch.randn(ours.shape, generator=torch.Generator().manual_seed(9))
    near(*(torch.autograd.grad((y * pull).sum(), x)[0] for y in (ours, theirs)))


def test_pools_of_one_map_with_the_usual_padding_become_a_chain_and_others_do_not() -> None:
    def inputs(*keys: dict[str, int]) -> list[tuple[int, ...]]:
        pools = [section("route", layers="0") + section("maxpool", **key) for key in keys]
        net = network(section("dropout", probability=0), *pools, shape=(4, 19, 17))
        return [node.inputs for node in net._plan if isinstance(node.layer, (MaxPool, GrownMaxPool))]

    five, nine = {"size": 5, "stride": 1}, {"size": 9, "stride": 1}
    assert inputs(five, nine) == [(1,), (3, 2)]
    assert inputs(five, {"size": 9, "stride": 2}) == [(1,), (3,)]
    assert inputs(five, {"size": 9, "stride": 1, "padding": 0}) == [(1,), (3,)]
    assert inputs({"size": 4, "stride": 1}, {"size": 6, "stride": 1}) == [(1,), (3, 2)]
    assert inputs(nine, five) == [(1,), (3,)]
