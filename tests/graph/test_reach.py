"""Property. Oracle: autograd: which pixels of the image have a gradient at a cell of the last map."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
import torch

from darknet_py.arithmetic.window import Span1D
from darknet_py.cfg.document import parse
from darknet_py.graph.compile import compile
from darknet_py.graph.graph import Graph
from darknet_py.graph.reach import fields
from darknet_py.network import Network

IMAGES = 96  # a maximum shows one cell of its window in each image; together they show all

CONV3 = "[convolutional]\nsize=3\npad=1\nactivation=linear\n"
STRIDE2 = "[convolutional]\nsize=3\npad=1\nstride=2\nactivation=linear\n"
DILATED = "[convolutional]\nsize=3\npad=1\ndilation=2\nactivation=linear\n"
CONV1 = "[convolutional]\nsize=1\nactivation=linear\n"
NETS = {  # name: layers, rows and columns seen, worked out by hand
    "conv 3": (CONV3, 3),
    "conv 3, 3": (CONV3 * 2, 5),
    "conv 5": (CONV3.replace("size=3", "size=5"), 5),
    "conv 2, no padding": ("[convolutional]\nsize=2\nactivation=linear\n", 2),
    "conv 3 stride 2, conv 3": (STRIDE2 + CONV3, 7),
    "dilation 2": (DILATED, 5),
    "dilation 3 after stride 2": (STRIDE2 + DILATED.replace("=2", "=3"), 15),
    "dilation of a kernel of 1": (CONV1.replace("size=1", "size=1\ndilation=4"), 1),
    "pool 2/1": ("[maxpool]\nsize=2\nstride=1\n", 2),
    "pool 2/2": ("[maxpool]\nsize=2\nstride=2\n", 2),
    "pool 3/1": ("[maxpool]\nsize=3\nstride=1\n", 3),
    "pool 3/2": ("[maxpool]\nsize=3\nstride=2\n", 3),
    "pool 3/2 without padding": ("[maxpool]\nsize=3\nstride=2\npadding=0\n", 3),
    "pool 4/1": ("[maxpool]\nsize=4\nstride=1\n", 4),
    "average 2/2, 2/1": ("[local_avgpool]\nsize=2\nstride=2\n[local_avgpool]\nsize=2\nstride=1\n", 4),
    "conv 3, pool 2/2, conv 3, pool 2/1": (
        CONV3 + "[local_avgpool]\nsize=2\nstride=2\n" + CONV3 + "[local_avgpool]\nsize=2\nstride=1\n",
        10,
    ),
    "spp 3, 5": ("[spp]\nsizes=3,5\npool=local_avg\n", 5),
    "spp after stride 2": (STRIDE2 + "[spp]\nsizes=3,5\npool=local_avg\n", 11),
    "route of 3 and 5": (CONV3 * 2 + "[route]\nlayers=0,1\n", 5),
    "route past a layer": (CONV3 * 2 + "[route]\nlayers=0\n", 3),
    "route of one group": (CONV3.replace("size=3", "size=3\nfilters=2") + "[route]\nlayers=0\ngroups=2\n", 3),
    "shortcut of 3 and 5": (CONV3 * 2 + "[shortcut]\nfrom=0\n", 5),
    "shortcut of 7 on 3": (CONV3 * 3 + "[route]\nlayers=0\n[shortcut]\nfrom=-2\n", 7),
    "stride 2, upsample 2": (STRIDE2 + "[upsample]\nstride=2\n", 3),
    "stride 2, upsample 2, conv 3": (STRIDE2 + "[upsample]\nstride=2\n" + CONV3, 5),
    "upsampled and joined": (CONV3 + STRIDE2 + "[upsample]\nstride=2\n[route]\nlayers=-1,0\n", 5),
    "sums of blocks": (CONV3 + "[upsample]\nstride=-2\n", 4),
    "dropout and softmax add nothing": (CONV3 + "[dropout]\n[softmax]\nspatial=1\n", 3),
}


def graph_of(layers: str, size: int = 24) -> Graph:
    return compile(parse(f"[net]\nwidth={size}\nheight={size}\nchannels=1\n{layers}"))


def seen_rows(graph: Graph) -> list[tuple[int, int]]:
    """First and last row of the image with a gradient, for every row of the last map's middle column."""
    network = Network(graph).double().train(mode=False)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.uniform_(0.5, 1.5)
    images = torch.rand(IMAGES, 1, graph.net.height, graph.net.width, dtype=torch.double, requires_grad=True)
    (output,) = network(images)
    found = []
    for row in range(output.shape[2]):
        middle = output[:, 0, row, output.shape[3] // 2].sum()
        if graph[-1].layer.section == "route":
            middle = output[:, :, row, output.shape[3] // 2].sum()
        if graph[-1].layer.section == "softmax":
            middle = network.layers[0](images)[:, 0, row, output.shape[3] // 2].sum()
        (gradient,) = torch.autograd.grad(middle, images, retain_graph=True)
        rows = gradient.abs().sum(dim=(0, 1, 3)).nonzero().flatten()
        found.append((int(rows.min()), int(rows.max())))
    return found


def declared_rows(span: Span1D, row: int, height: int) -> tuple[int, int]:
    first, last = span.first + row * span.stride, span.last + row * span.stride
    return max(0, math.floor(first)), min(height - 1, math.ceil(last))


@pytest.mark.parametrize("name", NETS)
def test_the_declared_reach_is_the_measured_reach(name: str) -> None:
    layers, expected = NETS[name]
    graph = graph_of(layers)
    field = fields(graph)[-1]
    measured = seen_rows(graph)
    assert field.reach == (expected, expected)
    assert max(last - first + 1 for first, last in measured) == expected


HOLES = {"dilation 2", "dilation 3 after stride 2"}  # at a border, the outermost pixel may fall into a hole
UPSAMPLED = {  # cells of one block see the same; what is declared moves on with each
    name for name, (layers, _) in NETS.items() if "[upsample]\nstride=2" in layers
}


@pytest.mark.parametrize("name", sorted(set(NETS) - HOLES - UPSAMPLED))
def test_every_cell_sees_exactly_the_pixels_that_are_declared(name: str) -> None:
    graph = graph_of(NETS[name][0])
    field = fields(graph)[-1]
    for row, seen in enumerate(seen_rows(graph)):
        assert seen == declared_rows(field.rows, row, graph.net.height), f"row {row}"


@pytest.mark.xfail(strict=True, reason="a window counts fractions of a repeated cell; it sees the whole cell")
@pytest.mark.parametrize(
    "layers",
    [
        STRIDE2 + "[upsample]\nstride=2\n[local_avgpool]\nsize=2\nstride=1\n",
        STRIDE2 + STRIDE2 + "[upsample]\nstride=4\n" + CONV3,
    ],
    ids=["even window", "factor 4"],
)
def test_a_window_over_repeated_cells_sees_whole_cells(layers: str) -> None:
    graph = graph_of(layers)
    measured = max(last - first + 1 for first, last in seen_rows(graph))
    assert fields(graph)[-1].reach == (measured, measured)


def test_rows_and_columns_have_a_reach_each() -> None:
    graph = graph_of("[convolutional]\nsize=3\npad=1\nstride_y=2\nstride_x=1\n" + CONV3)
    assert fields(graph)[-1].reach == (7, 5)
    assert fields(graph)[-1].stride == (2, 1)


def test_a_global_average_sees_the_whole_image() -> None:
    graph = graph_of("[avgpool]\n", size=9)
    assert fields(graph)[-1].reach == (9, 9)
    assert seen_rows(graph) == [(0, 8)]


@pytest.mark.parametrize(
    ("layers", "stride"),
    [
        (STRIDE2 * 3, Fraction(8)),
        (STRIDE2 * 2 + "[upsample]\nstride=2\n", Fraction(2)),
        ("[upsample]\nstride=4\n", Fraction(1, 4)),
        (STRIDE2.replace("size", "filters=4\nsize") + "[reorg]\nstride=2\n", Fraction(4)),
    ],
)
def test_strides_multiply(layers: str, stride: Fraction) -> None:
    graph = graph_of(layers)
    assert fields(graph)[-1].stride == (stride, stride)
    assert graph[-1].shape.height == 24 / stride
