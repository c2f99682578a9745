"""The arrays of a weights file as numbers of floats, in the order of the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from darknet_py.layers.base import Layer

SCALES = ("scales", "means", "variances")  # the arrays that `dontloadscales` skips


class FilePart(NamedTuple):
    """One array.

    Args:
        layer: index of its layer.
        name: biases, scales, means, variances or weights.
    """

    layer: int
    name: str
    floats: int


FileParts = tuple[FilePart, ...]


def is_lacking(layer: Layer, name: str) -> bool:
    """Whether the cfg says that a file of Darknet's has no such array of a layer."""
    return layer.dontload or (layer.dontloadscales and name in SCALES)


def total(parts: Sequence[FilePart]) -> int:
    """The floats of all arrays.

    >>> total([FilePart(0, "biases", 4), FilePart(0, "weights", 108)])
    112
    """
    return sum(part.floats for part in parts)


def floats_of(parts: Sequence[FilePart], layer: int) -> int:
    """The floats of one layer."""
    return total([part for part in parts if part.layer == layer])


def scaled(parts: Sequence[FilePart], layers: Mapping[int, tuple[int, int]], *, names: str = "") -> FileParts:
    """The same arrays, those of some layers with another number of channels.

    Args:
        layers: by index, the number of channels before and after.
        names: of the only arrays that change; all without.

    >>> scaled([FilePart(0, "biases", 255), FilePart(0, "weights", 510)], {0: (255, 18)})
    (FilePart(layer=0, name='biases', floats=18), FilePart(layer=0, name='weights', floats=36))
    """
    found = []
    for part in parts:
        before, after = layers.get(part.layer, (1, 1))
        applies = not names or part.name == names
        found.append(part._replace(floats=part.floats * after // before) if applies else part)
    return tuple(found)


def first_difference(mine: Sequence[FilePart], theirs: Sequence[FilePart]) -> int:
    """The first layer whose arrays differ; both have the same layers.

    >>> first_difference([FilePart(0, "biases", 4)], [FilePart(0, "biases", 5)])
    0
    """
    return next(a.layer for a, b in zip(mine, theirs, strict=True) if a != b)


def layers_of(parts: Sequence[FilePart], floats: int) -> int:
    """How many layers hold exactly so many floats; 0 where that is inside a layer.

    >>> [layers_of([FilePart(0, "biases", 4), FilePart(2, "biases", 5)], n) for n in (0, 3, 4, 6, 9)]
    [0, 0, 1, 0, 3]
    """
    ends: dict[int, int] = {}
    before = 0
    for part in parts:
        before = ends[part.layer] = before + part.floats
    return next((layer + 1 for layer, end in ends.items() if end == floats), 0)
