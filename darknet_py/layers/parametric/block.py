"""The arrays of a layer with weights, biases and, if asked, batch normalisation."""

from __future__ import annotations

from collections.abc import Iterator


def block_shapes(
    outputs: int, weights: tuple[int, ...], *, normalized: bool, weights_last: bool = True
) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and shapes in the order of `.weights`: biases first, BN's arrays before the weights or after.

    >>> [name for name, _ in block_shapes(4, (4, 3, 1, 1), normalized=True)]
    ['biases', 'scales', 'means', 'variances', 'weights']
    """
    yield "biases", (outputs,)
    if not weights_last:
        yield "weights", weights
    if normalized:
        yield from ((name, (outputs,)) for name in ("scales", "means", "variances"))
    if weights_last:
        yield "weights", weights
