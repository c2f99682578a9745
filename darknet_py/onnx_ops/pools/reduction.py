"""Pools as ONNX nodes, in the form that they have in evaluation."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from darknet_py.onnx_ops.map import ones_like_map
from darknet_py.onnx_ops.nodes import Nodes
from darknet_py.onnx_ops.pools.cells import WindowCells, cells_of
from darknet_py.onnx_ops.pools.shifts import LOWEST, are_small, counts, shifts, total
from darknet_py.onnx_ops.pools.windows import Windows, maximum, mean

HOT = 1e30  # the temperature from which exp(LOWEST / t) is not 0
SHARP = 1.0  # the r from which an error of float32's epsilon / r does not matter
LARGEST_POWER = 5.0  # beyond it, powers of a map overflow float32, and each window is scaled to 1


def minimum(nodes: Nodes, x: str, windows: Windows) -> str:
    """The least cell of each window."""
    return nodes.add("Neg", maximum(nodes, nodes.add("Neg", x), windows))


def blend(nodes: Nodes, x: str, windows: Windows, alpha: str) -> str:
    """alpha * maximum + (1 - alpha) * mean."""
    greatest, average = maximum(nodes, x, windows), mean(nodes, x, windows)
    rest = nodes.add("Sub", nodes.constant(1), alpha)
    return nodes.add("Add", nodes.add("Mul", alpha, greatest), nodes.add("Mul", rest, average))


def gated(nodes: Nodes, x: str, windows: Windows) -> str:
    """A blend whose alpha is the sigmoid of a product with the window."""
    filters = np.repeat(nodes.arrays["gate"][None, None], nodes.channels, axis=0)
    weights = nodes.constant(filters, "gate")
    product = nodes.add("Conv", x, weights, group=nodes.channels, **windows.attributes)
    return blend(nodes, x, windows, nodes.add("Sigmoid", product))


def blurred_maximum(nodes: Nodes, x: str, maxima: Windows, blur: Windows) -> str:
    """The maxima, then a binomial filter of the existing ones."""
    taps = np.array([math.comb(blur.size - 1, k) for k in range(blur.size)], np.float32)
    kernel = np.outer(taps, taps)[None, None] / taps.sum() ** 2
    greatest = maximum(nodes, x, maxima)
    filters = nodes.constant(np.repeat(kernel, nodes.channels, axis=0), "filter")
    weighted = nodes.add("Conv", greatest, filters, group=nodes.channels, **blur.attributes)
    ones = ones_like_map(nodes, greatest)
    return nodes.add(
        "Div", weighted, nodes.add("Conv", ones, nodes.constant(kernel, "filter"), **blur.attributes)
    )


def softmax_mean(nodes: Nodes, x: str, windows: Windows, temperature: float) -> str:
    """sum(x exp(x / t)) / sum(exp(x / t))."""
    if are_small(windows) and temperature < HOT:
        shifted, peak = shifts(nodes, x, windows, LOWEST), maximum(nodes, x, windows)
        t = nodes.constant(temperature)
        shares = [nodes.add("Exp", nodes.add("Div", nodes.add("Sub", c, peak), t)) for c in shifted]
        terms = [nodes.add("Mul", share, cell) for share, cell in zip(shares, shifted, strict=True)]
        return nodes.add("Div", total(nodes, terms), total(nodes, shares))
    cells = cells_of(nodes, x, windows)
    existing = cells.or_else(-math.inf)
    below = nodes.add("Sub", existing, cells.extreme("ReduceMax", existing))
    weights = nodes.add("Exp", nodes.add("Div", below, nodes.constant(temperature)))
    weighted = nodes.add("Mul", weights, cells.values)
    return cells.as_map(nodes.add("Div", cells.total(weighted), cells.total(weights)))


def log_mean_exp(nodes: Nodes, x: str, windows: Windows, r: float) -> str:
    """log(mean(exp(r x))) / r.

    Near 1 the mean's distance from 1 has more digits than the mean: its terms are expm1(y) = tanh(y / 2)
    (exp(y) + 1), and log1p(d) = 2 atanh(d / (2 + d)). Far below 1 the mean itself is taken, and always where
    r is so large that the digits do not matter.
    """
    if r >= SHARP and are_small(windows):
        peak, factor = maximum(nodes, x, windows), nodes.constant(r)
        shifted = shifts(nodes, x, windows, LOWEST)
        powers = [nodes.add("Exp", nodes.add("Mul", nodes.add("Sub", c, peak), factor)) for c in shifted]
        average = nodes.add("Div", total(nodes, powers), counts(nodes, x, windows))
        return nodes.add("Add", peak, nodes.add("Div", nodes.add("Log", average), factor))
    cells = cells_of(nodes, x, windows)
    existing = cells.or_else(-math.inf)
    greatest, count = cells.extreme("ReduceMax", existing), cells.count()
    below = nodes.add("Mul", nodes.add("Sub", existing, greatest), nodes.constant(r))
    exponential = nodes.add("Exp", below)
    half = nodes.add("Tanh", nodes.add("Mul", below, nodes.constant(0.5)))
    excess = nodes.add("Mul", half, nodes.add("Add", exponential, nodes.constant(1)))
    counted = nodes.add("Where", cells.inside, excess, nodes.constant(0))
    distance = nodes.add("Div", cells.total(counted), count)
    near = nodes.add("Max", distance, nodes.constant(-0.5))
    ratio = nodes.add("Div", near, nodes.add("Add", near, nodes.constant(2)))
    by_distance = nodes.add("Mul", nodes.add("Atanh", ratio), nodes.constant(2))
    by_mean = nodes.add("Log", nodes.add("Div", cells.total(exponential), count))
    is_near = nodes.add("Greater", distance, nodes.constant(-0.5))
    logarithm = nodes.add("Where", is_near, by_distance, by_mean)
    return cells.as_map(nodes.add("Add", greatest, nodes.add("Div", logarithm, nodes.constant(r))))


def power_mean(nodes: Nodes, x: str, windows: Windows, p: float) -> str:
    """mean(x^p)^(1/p) of cells that are not negative."""
    if p == 1:
        return mean(nodes, x, windows)
    power, root = nodes.constant(p), nodes.constant(1 / p)
    if p <= LARGEST_POWER:
        return nodes.add("Pow", mean(nodes, nodes.add("Pow", x, power), windows), root)
    cells = cells_of(nodes, x, windows)
    existing = cells.or_else(0)
    greatest = cells.extreme("ReduceMax", existing)
    scale = nodes.add("Max", greatest, nodes.constant(np.finfo(np.float32).tiny))
    powers = nodes.add("Pow", nodes.add("Div", existing, scale), power)
    average = nodes.add("Div", cells.total(powers), cells.count())
    return cells.as_map(nodes.add("Mul", greatest, nodes.add("Pow", average, root)))


def expected_cell(nodes: Nodes, x: str, windows: Windows, negatives: str) -> str:
    """The expected value of stochastic pooling: sum(w a) / sum(w), the mean where all weights are 0."""
    if negatives == "softmax":
        return softmax_mean(nodes, x, windows, 1.0)
    if negatives == "shift":
        total, weighted = _shifted_sums(nodes, x, windows)
    else:
        weights = nodes.add("Relu" if negatives == "relu" else "Abs", x)
        total, weighted = (
            mean(nodes, numbers, windows) for numbers in (weights, nodes.add("Mul", weights, x))
        )
    zero = nodes.add("LessOrEqual", total, nodes.constant(0))
    ratio = nodes.add("Div", weighted, nodes.add("Where", zero, nodes.constant(1), total))
    return nodes.add("Where", zero, mean(nodes, x, windows), ratio)


def _shifted_sums(nodes: Nodes, x: str, windows: Windows) -> tuple[str, str]:
    """The sums of a - least, and of that times a."""
    if are_small(windows):
        shifted, minima = shifts(nodes, x, windows, LOWEST), minimum(nodes, x, windows)
        weights = [nodes.add("Relu", nodes.add("Sub", cell, minima)) for cell in shifted]
        products = [nodes.add("Mul", *pair) for pair in zip(weights, shifted, strict=True)]
        return total(nodes, weights), total(nodes, products)
    cells: WindowCells = cells_of(nodes, x, windows)
    least = cells.extreme("ReduceMin", cells.or_else(math.inf))
    above = nodes.add("Where", cells.inside, nodes.add("Sub", cells.values, least), nodes.constant(0))
    terms = nodes.add("Mul", above, cells.values)
    return cells.as_map(cells.total(above)), cells.as_map(cells.total(terms))


Mixture = Callable[[Nodes, str, Windows, float], str]


def _concatenated(nodes: Nodes, x: str, windows: Windows, alpha: float) -> str:
    return nodes.add("Concat", mean(nodes, x, windows), maximum(nodes, x, windows), axis=1)


MIXTURES: dict[str, Mixture] = {
    "add": lambda nodes, x, windows, alpha: blend(nodes, x, windows, nodes.constant(alpha)),
    "random": lambda nodes, x, windows, alpha: blend(nodes, x, windows, nodes.constant(alpha)),
    "cat": _concatenated,
    "gated": lambda nodes, x, windows, alpha: gated(nodes, x, windows),
}
