"""Property. Oracle: autograd: which pixels of the image have a gradient at a row of cells of a map."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import astuple
from fractions import Fraction

import pytest
import torch
from torch import Tensor

from darknet_py.arithmetic.field import Span1D
from darknet_py.arithmetic.shape import Shape
from darknet_py.arithmetic.window import Axis, bins, covering
from darknet_py.cfg.document import parse
from darknet_py.cfg.shipped import find_cfg
from darknet_py.graph.compile import compile
from darknet_py.graph.graph import Graph
from darknet_py.graph.reach import PixelRanges, clipped_fields, fields
from darknet_py.model.network import Network
from tests.graph.random_nets import drawn

IMAGES = 4  # of a row of windows, each shows one cell in each image; together they show all
CASES = 200

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
    "windows over repeated cells": (
        STRIDE2 + "[upsample]\nstride=2\n[local_avgpool]\nsize=2\nstride=1\n",
        5,
    ),
    "cells repeated four times": (STRIDE2 * 2 + "[upsample]\nstride=4\n" + CONV3, 11),
    "sums of blocks": (CONV3 + "[upsample]\nstride=-2\n", 4),
    "dropout and softmax add nothing": (
        CONV3.replace("size", "filters=2\nsize") + "[dropout]\n[softmax]\nspatial=1\n",
        3,
    ),
}


def graph_of(layers: str, size: int = 24) -> Graph:
    return compile(parse(f"[net]\nwidth={size}\nheight={size}\nchannels=1\n{layers}"))


def positive(graph: Graph) -> Network:
    """The network in float64, its weights positive and every maximum an average: nothing cancels or hides.

    What a window may see is the question, not which of its cells is the greatest in one image.
    """
    network = Network(graph).double().train(mode=False)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.uniform_(0.5, 1.5)
    return network


def seen(network: Network, *, axis: int = 0, times: int = 1) -> list[tuple[int, int] | None]:
    """First and last row (axis 0) or column (1) of the image that each row of the last map sees."""
    (out,) = network(images := pixels(network.graph, times * size(network.graph[-1].shape, axis)))
    return probed(out, images, range(size(network.graph[-1].shape, axis)), axis)


def size(shape: Shape, axis: int) -> int:
    return shape.width if axis else shape.height


def pixels(graph: Graph, count: int) -> Tensor:
    return torch.rand(count, *astuple(graph.image), dtype=torch.double, requires_grad=True)


def probed(out: Tensor, images: Tensor, rows: Sequence[int], axis: int) -> list[tuple[int, int] | None]:
    """The n-th image is asked for the n-th of `rows`; then the next images once more, one answer for all."""
    chosen = torch.stack([out[n].select(1 + axis, rows[n % len(rows)]) for n in range(len(out))])
    weights = torch.rand_like(chosen) + 0.5  # of a softmax the plain sum is constant
    (gradient,) = torch.autograd.grad((chosen * weights).sum(), images, retain_graph=True)
    there = gradient.abs().sum(dim=(1, 3 - axis)).unflatten(0, (-1, len(rows))).sum(dim=0)
    found = [line.nonzero().flatten().tolist() for line in there]
    return [(line[0], line[-1]) if line else None for line in found]


def declared(stretches: PixelRanges) -> list[tuple[int, int] | None]:
    return [stretches.of(cell) for cell in range(len(stretches.firsts))]


@pytest.mark.parametrize("name", NETS)
def test_the_declared_reach_is_the_measured_reach(name: str) -> None:
    layers, expected = NETS[name]
    graph = graph_of(layers)
    measured = seen(positive(graph), times=IMAGES)
    assert fields(graph)[-1].reach == (expected, expected)
    assert max(last - first + 1 for first, last in filter(None, measured)) == expected


@pytest.mark.parametrize("name", NETS)
def test_every_cell_sees_exactly_the_pixels_that_are_declared(name: str) -> None:
    graph = graph_of(NETS[name][0])
    assert declared(clipped_fields(graph)[-1].rows) == seen(positive(graph), times=IMAGES)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(CASES))
def test_every_cell_of_a_random_network_sees_what_is_declared(seed: int) -> None:
    torch.manual_seed(seed)
    graph = drawn(seed)
    network, clipped = positive(graph), clipped_fields(graph)[-1]
    assert declared(clipped.rows) == seen(network, axis=0), str(graph.document)
    assert declared(clipped.columns) == seen(network, axis=1), str(graph.document)


@pytest.mark.slow
def test_random_networks_have_every_kind_of_layer_that_changes_what_is_seen() -> None:
    graphs = [drawn(seed) for seed in range(CASES)]
    kinds = {node.layer.section for graph in graphs for node in graph}
    assert kinds >= {
        "convolutional", "local_avgpool", "lppool", "spp", "upsample", "route", "shortcut",
        "reorg", "reorg3d", "deconvolutional", "scale_channels", "sam", "crop", "avgpool", "dropout",
    }  # fmt: skip
    assert sum(len(graph) for graph in graphs) / CASES > 5


def narrowed(name: str) -> Graph:
    """The cfg with 2 filters a layer, averages for maxima, which hide no cell, and no activation."""
    text = find_cfg(name).read_text().replace("filters=255", "filters=18").replace("classes=80", "classes=1")
    text = re.sub(r"filters=(?!18$).*", "filters=2", text, flags=re.MULTILINE)
    return compile(parse(text.replace("[maxpool]", "[local_avgpool]").replace("=leaky", "=linear")))


@pytest.mark.slow
def test_every_layer_of_yolov3_tiny_sees_what_is_declared() -> None:
    graph = narrowed("yolov3-tiny")
    network, probes, maps = positive(graph), 26, {}
    for index, module in enumerate(network.layers):
        module.register_forward_hook(lambda _, given, out, index=index: maps.update({index: out}))
    network(images := pixels(graph, probes))
    for node, clipped in zip(graph, clipped_fields(graph), strict=True):
        rows = [n * (node.shape.height - 1) // (probes - 1) for n in range(probes)]
        measured = probed(maps[node.index], images, rows, 0)
        assert [clipped.rows.of(row) for row in rows] == measured, node.name


@pytest.mark.parametrize("name", ["yolov3-tiny", "yolov3-spp"])
def test_reach_and_sight_agree_where_the_image_is_large_enough(name: str) -> None:
    graph = compile(parse(find_cfg(name).read_text().replace("=416", "=2016").replace("=608", "=2016")))
    for node, field, clipped in zip(graph, fields(graph), clipped_fields(graph), strict=True):
        cell = node.shape.height // 2
        first, last = field.rows.first(cell), field.rows.last(cell)
        inside = first >= 0 and last < graph.image.height
        assert not inside or clipped.rows.of(cell) == (first, last), node.name
        assert clipped.rows.of(cell) == (max(0, first), min(graph.image.height - 1, last)), node.name


AXES = [
    Axis(3, 1, 1),
    Axis(2, 2),
    Axis(5, 1, 2, 2),
    Axis(1, Fraction(1, 2)),
    Axis(1, Fraction(1, 3)),
    Axis(3, 2, 1),
]


@pytest.mark.parametrize("axis", AXES, ids=str)
def test_fields_compose_with_an_identity_and_in_any_grouping(axis: Axis) -> None:
    assert Span1D().then(Axis()) == Span1D()
    for other in AXES:
        for third in AXES:
            whole = Span1D().then(axis).then(other).then(third)
            for cell in range(12):
                inner = range(third.first(cell), third.last(cell) + 1)
                between = [Span1D().then(axis).then(other) for _ in inner]
                assert whole.first(cell) == min(s.first(i) for s, i in zip(between, inner, strict=True))
                assert whole.last(cell) == max(s.last(i) for s, i in zip(between, inner, strict=True))


def test_windows_and_what_covers_them_are_the_same_pairs_of_cells() -> None:
    for axis in (Axis(3, 2, 1), Axis(2, 2), Axis(1, 3), Axis(5, 1, 2), Axis(4, 3, 2)):
        back = covering(axis)
        for cell in range(20):
            windows = {w for w in range(-10, 40) if axis.first(w) <= cell <= axis.last(w)}
            assert windows == set(range(back.first(cell), back.last(cell) + 1))
            assert len(windows) <= back.size
    assert [(bins(3, 7).first(i), bins(3, 7).last(i)) for i in range(3)] == [(0, 2), (2, 4), (4, 6)]


def test_a_long_period_is_cut_to_the_cells_there_are() -> None:
    span = Span1D().then(Axis(1, Fraction(1, 64))).then(Axis(2, 63), 10)
    assert len(span.firsts) <= 64
    assert span.stride == Fraction(63, 64)


def test_rows_and_columns_have_a_reach_each() -> None:
    graph = graph_of("[convolutional]\nsize=3\npad=1\nstride_y=2\nstride_x=1\n" + CONV3)
    assert fields(graph)[-1].reach == (7, 5)
    assert fields(graph)[-1].stride == (2, 1)


def test_a_global_average_sees_the_whole_image() -> None:
    graph = graph_of("[avgpool]\n", size=9)
    assert fields(graph)[-1].reach == (9, 9)
    assert seen(positive(graph)) == [(0, 8)]


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
