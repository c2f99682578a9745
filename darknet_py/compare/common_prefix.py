"""`compare --train-from`: the layers that all variants have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from darknet_py.edit.diff import GraphDiff
from darknet_py.errors import UsageError, quoted
from darknet_py.graph.graph import Graph

if TYPE_CHECKING:
    from darknet_py.compare.variants import FittedVariant


def first_difference(a: Graph, b: Graph) -> int | None:
    """The first layer in which two networks differ, as `diff` finds it; None where no layer does."""
    for number, pair in enumerate(GraphDiff(a, b).pairs):
        numbers = {node.index for node in (pair.a, pair.b) if node is not None}
        if pair.kind != "same" or numbers != {number}:
            return min(numbers, default=number)
    return None


def common_layer(variants: Sequence[FittedVariant], layer: int | None) -> int:
    """The layer that all variants are trained from.

    Args:
        layer: the one that the person named; None: the first in which any two variants differ.

    Raises: UsageError: when the layers before it are not the same, or no layer differs.
    """
    base, *others = variants
    differing = {other: first_difference(base.graph, other.graph) for other in others}
    first = min((at for at in differing.values() if at is not None), default=None)
    if layer is None:
        if first is None:
            what = "the variants differ in no layer" if others else "there is one variant alone"
            raise UsageError(f"--train-from auto: {what}", hint="name a layer: --train-from N")
        layer = first
    if layer == 0 or (first is not None and layer > first):
        other = next(one for one, at in differing.items() if at == first)
        message = f"--train-from {layer}: {quoted(other.name)} differs from {quoted(base.name)}"
        message += f" in layer {first} already, so the layers before layer {layer} are not shared"
        if first == 0:
            message = f"--train-from: {quoted(other.name)} differs from {quoted(base.name)} from layer 0 on"
        hint = f"give --train-from {first}, or auto" if first else "no layer can be shared: leave it out"
        raise UsageError(message, hint=hint)
    return layer
