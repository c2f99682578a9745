"""The checks of pools, each a function of a sample that raises `CheckFailed`."""

from __future__ import annotations

import torch

from darknet_py.arithmetic.window import bin_edges
from darknet_py.cfg.keys import keys_of
from darknet_py.conform.sample import CheckFailed, Sample, difference
from darknet_py.conform.window_check import seen
from darknet_py.graph.graph import Node
from darknet_py.layers.catalogue import CATALOGUE
from darknet_py.layers.pools.base import WindowPool
from darknet_py.layers.pools.laws import Law

CONSTANTS = (0.0, 0.5, 3.0)
ROUNDING = 1e-5


def constant(sample: Sample) -> None:
    """A map of one value pools to that value."""
    module = sample.module().eval()
    for value in CONSTANTS:
        with torch.no_grad():
            out = module(*(torch.full_like(m, value) for m in sample.maps()))
        if (off := difference(out, torch.full_like(out, value))) > ROUNDING * max(1.0, value):
            raise CheckFailed(f"{value} from a map of {value}", f"values that differ by {off:.3g}")


def between(sample: Sample) -> None:
    """Each output cell lies between the least and the greatest cell that its window sees."""
    (x,) = sample.maps(positive=True)
    node = sample.node
    with torch.no_grad():
        out = sample.module().eval()(x)
    same = out.shape[1] == x.shape[1]
    for row, column in torch.cartesian_prod(*(torch.arange(n) for n in out.shape[2:])).tolist():
        cells = x[:, :, _span(node, 0, row), _span(node, 1, column)].flatten(2)
        if not same:  # an output channel depends on several
            cells = cells.flatten(1).unsqueeze(1)
        low, high, ours = cells.amin(-1), cells.amax(-1), out[:, :, row, column]
        if bool(((ours < low - ROUNDING) | (ours > high + ROUNDING)).any()):
            worst = float((low - ours).maximum(ours - high).max())
            raise CheckFailed(
                f"output cell ({row}, {column}) between the least and the greatest cell of its window",
                f"a value {worst:.3g} outside",
            )


def shifted(sample: Sample) -> None:
    """The map moved by one stride outputs its cells moved by one."""
    axes = sample.layer.window(*sample.node.maps)
    steps = [int(axis.stride) for axis in (axes.rows, axes.columns)]
    if _binned(sample.node):
        return  # bins do not move with the map
    (x,) = sample.maps()
    if x.shape[2] <= steps[0] or x.shape[3] <= steps[1]:
        return
    module = sample.module().eval()
    inside = (x.shape[2] - steps[0], x.shape[3] - steps[1])  # the cells of `moved` that come from the map
    moved = x.roll((-steps[0], -steps[1]), dims=(2, 3))
    moved[:, :, inside[0] :], moved[:, :, :, inside[1] :] = 7.0, 7.0
    with torch.no_grad():
        here, there = module(x), module(moved)
    rows, columns = (  # the output cells whose windows lie completely in `inside`
        range(-(-axis.before // step), (cells + axis.before - axis.size) // step + 1)
        for axis, step, cells in zip((axes.rows, axes.columns), steps, inside, strict=True)
    )
    for row in rows:
        for column in columns:
            if difference(there[:, :, row, column], here[:, :, row + 1, column + 1]) > ROUNDING * 10:
                raise CheckFailed(
                    f"output cell ({row}, {column}) of the map moved by {steps[0]} x {steps[1]} cells to be "
                    f"output cell ({row + 1}, {column + 1}) of the map",
                    "another value",
                )


def defined(sample: Sample) -> None:
    """`module` computes what `reduce` defines."""
    from darknet_py.ops.pools.reduction import WindowReduction

    layer, node = sample.layer, sample.node
    assert isinstance(layer, WindowPool)
    if layer.window(*node.maps) != WindowPool.window(layer, *node.maps):
        return  # with these keys it does not pool windows of cells
    (x,) = sample.maps()
    with torch.no_grad():
        built = layer.module(*node.maps).eval()  # its parameters have the values of the cfg
        by_rule, by_module = WindowReduction(layer.grid(), layer.reduce)(x), built(x)
    if (off := difference(by_module, by_rule)) > ROUNDING * 10:
        raise CheckFailed("`module` to compute what `reduce` defines", f"a difference of {off:.3g}")


def lawful(sample: Sample) -> None:
    """Its laws hold, its other keys at their defaults."""
    assert isinstance(sample.layer, WindowPool)
    for law in sample.layer.laws:
        ours, theirs = _sides(sample, law)
        for maps in (sample.maps(), sample.maps(positive=True)):
            with torch.no_grad():
                out = (ours.module().eval()(*maps), theirs.module().eval()(*maps))
            scale = max(float(m.abs().max()) for m in maps)
            if (off := difference(*out)) > law.within * scale:
                words = ", ".join(f"{k} = {v}" for k, v in law.keys.items())
                expected = (
                    f"with {words or 'its defaults'} at most {law.within * scale:.3g} from [{law.section}]"
                )
                raise CheckFailed(expected, f"{off:.3g}")


def _sides(sample: Sample, law: Law) -> tuple[Sample, Sample]:
    """The pool with the keys of a law, and the other pool on the same window."""
    given = {name: str(value) for name, value in law.keys.items()}
    windows = (dict(sample.case.keys) | given).items()
    shared = {name: value for name, value in windows if name in keys_of(WindowPool)}
    ours = shared | given
    theirs = shared if issubclass(CATALOGUE[law.section], WindowPool) else {}
    theirs = theirs | {name: str(value) for name, value in law.theirs.items()}
    return sample.like(sample.case.section, ours), sample.like(law.section, theirs)


def _span(node: Node, axis: int, at: int) -> slice:
    """The cells of an axis inside the map that output cell `at` reads."""
    (source,) = node.maps
    cells = (source.height, source.width)[axis]
    if _binned(node):
        assert isinstance(node.layer, WindowPool)
        return slice(*bin_edges(at, node.layer.adaptive, cells))
    declared = node.layer.window(source)
    first, last = seen((declared.rows, declared.columns)[axis], at)
    return slice(max(0, first), min(cells, last + 1))


def _binned(node: Node) -> bool:
    """Whether its windows are bins of different sizes."""
    layer = node.layer
    assert isinstance(layer, WindowPool)
    return bool(layer.adaptive) and layer.window(*node.maps) == WindowPool.window(layer, *node.maps)
