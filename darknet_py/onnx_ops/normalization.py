"""Normalisation over neighbouring channels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from darknet_py.onnx_ops.encoding import DOUBLE, FLOAT
from darknet_py.onnx_ops.nodes import Nodes


class Response(NamedTuple):
    """x (kappa + alpha * sum of squares) ^ -beta, over `size` channels; `missing` as in Darknet's sum."""

    size: int
    alpha: float
    beta: float
    kappa: float
    missing: bool


def local_response(nodes: Nodes, x: str, response: Response) -> str:
    """ONNX's own for an odd size; else the sum is a product with a banded matrix, in float64."""
    size, alpha, beta, kappa, missing = response
    if size % 2 and not missing:
        return nodes.add("LRN", x, size=size, alpha=alpha * size, beta=beta, bias=kappa)
    shape = nodes.add("Shape", x)
    exact = nodes.add("Cast", x, to=DOUBLE)
    flat = nodes.add("Reshape", exact, nodes.integers(0, nodes.channels, -1))
    band = nodes.array(_band(nodes.channels, size, missing=missing))
    total = nodes.add("MatMul", band, nodes.add("Mul", flat, flat))
    numbers = (nodes.array(np.array(number)) for number in (alpha, kappa, kappa / 10, -beta))
    factor, added, least, exponent = numbers
    base = nodes.add("Max", nodes.add("Add", nodes.add("Mul", total, factor), added), least)
    scaled = nodes.add("Mul", flat, nodes.add("Pow", base, exponent))
    return nodes.add("Reshape", nodes.add("Cast", scaled, to=FLOAT), shape)


def _band(channels: int, size: int, *, missing: bool) -> np.ndarray:
    """The channels (columns) that are summed for each channel (rows); see `ops.normalization.window_of`."""
    row, column = np.arange(channels)[:, None], np.arange(channels)
    band = ((column >= row - (size - 1) // 2) & (column <= row + size // 2)).astype(np.float64)
    if missing and size // 2 < channels:
        band[:size, size // 2] = 0
        band[size:, size // 2] = -1
    return band
