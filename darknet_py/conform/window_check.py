"""The check of `window`: the declared window of an output cell has the cells that change it."""

from __future__ import annotations

import itertools
from fractions import Fraction

import torch
from torch import Tensor

from darknet_py.arithmetic.shape import Shape
from darknet_py.arithmetic.window import Axis
from darknet_py.conform.sample import CheckFailed, Sample
from darknet_py.graph.graph import Node

Spans = tuple[tuple[int, int], tuple[int, int]]  # first and last row, first and last column


def window(sample: Sample) -> None:
    """What changes an output cell is what `window` says it sees: each cell is moved in turn."""
    node, source = sample.node, sample.node.maps[0]
    if any((m.height, m.width) != (source.height, source.width) for m in _own_maps(node)):
        return  # the cells of maps of different sizes do not correspond
    declared, influence = node.layer.window(*node.maps), _influence(sample)
    one_size = all(Fraction(axis.stride).denominator == 1 for axis in (declared.rows, declared.columns))
    for row, column in itertools.product(range(node.shape.height), range(node.shape.width)):
        rows, columns = influence[:, :, row, column].nonzero().unbind(dim=1)
        spans = (seen(declared.rows, row), seen(declared.columns, column))
        if len(rows) == 0:
            nothing = any(last < first for first, last in spans)
            paired = node.layer.pair(node.index) is not None
            measured, fits = None, nothing or paired or not _inside(spans, source)
        else:
            measured = ((int(rows.min()), int(rows.max())), (int(columns.min()), int(columns.max())))
            exact = one_size and _inside(spans, source)
            within = all(a[0] <= b[0] and b[1] <= a[1] for a, b in zip(spans, measured, strict=True))
            fits = measured == spans if exact else within
        if not fits:
            cell = f"output cell ({row}, {column})"
            raise CheckFailed(
                f"{cell} to see {_cells(spans)} by `window`", f"that it sees {_cells(measured)}"
            )


def seen(axis: Axis, at: int) -> tuple[int, int]:
    """The first and the last cell of the declared window of output cell `at`."""
    return axis.first(at), axis.last(at)


def _own_maps(node: Node) -> tuple[Shape, ...]:
    """Its maps without those of the layer that it is paired with."""
    return node.maps[: len(node.layer.inputs(node.index))]


def _inside(spans: Spans, source: Shape) -> bool:
    (top, bottom), (left, right) = spans
    return top >= 0 and left >= 0 and bottom < source.height and right < source.width


def _influence(sample: Sample) -> Tensor:
    """(H, W, H', W') bool: whether moving a cell of the map, up or down, changes an output cell."""
    node, source = sample.node, sample.node.maps[0]
    inputs, cells = sample.maps(batch=1, dtype=torch.float64), source.cells
    module, own = sample.module().double().eval(), len(_own_maps(node))
    one_cell = torch.eye(cells, dtype=torch.float64).view(cells, 1, source.height, source.width)
    change = torch.zeros(cells, node.shape.height, node.shape.width, dtype=torch.bool)
    with torch.no_grad():
        many = [m.expand(cells, -1, -1, -1).contiguous() for m in inputs]
        still = module(*many)  # in the memory layout of the moved ones, so that equal cells give equal bits
        for sign in (1, -1):
            steps = [torch.arange(20.0, 20 + m.shape[1]).view(1, -1, 1, 1) * sign for m in inputs[:own]]
            moved = [m + one_cell * step for m, step in zip(many, steps, strict=False)]
            change |= (module(*moved, *many[own:]) != still).any(dim=1)
    return change.view(source.height, source.width, node.shape.height, node.shape.width)


def _cells(spans: Spans | None) -> str:
    if spans is None:
        return "nothing"
    (top, bottom), (left, right) = spans
    return f"rows {top} .. {bottom} and columns {left} .. {right}"
