"""The learning rate of every iteration, as `[net]` says. The first update is iteration 1."""

from __future__ import annotations

import math

from darknet_py.data.loader.sampler import RATE, keyed
from darknet_py.errors import UsageError
from darknet_py.layers.net import Net


def learning_rate(net: Net, iteration: int, *, seed: int = 0) -> float:
    """The rate at an iteration, by Darknet's formulas.

    >>> learning_rate(Net(learning_rate=0.001, burn_in=1000, sgdr_cycle=0), 500)
    6.25e-05

    Raises:
        UsageError: when the rate overflows.
    """
    factor: float
    try:
        if iteration < net.burn_in:
            factor = (iteration / net.burn_in) ** net.power
        else:
            factor = _factor(net, iteration, seed)
    except (OverflowError, ZeroDivisionError):
        message = f"the learning rate of iteration {iteration} is no number, by policy={net.policy}"
        raise UsageError(
            message, hint="a gamma or scale above 1 grows without end; so does a power below 0"
        ) from None
    return net.learning_rate * factor


def _factor(net: Net, iteration: int, seed: int) -> float:
    factor = 1.0
    match net.policy:
        case "step":
            factor = net.scale ** (iteration // net.step)
        case "steps":
            factor = math.prod(scale for step, scale in _passed(net, iteration))
        case "exp":
            factor = net.gamma**iteration
        case "poly":
            factor = max(0.0, 1 - iteration / max(1, net.max_batches)) ** net.power
        case "random":
            factor = float(keyed(seed, RATE, iteration).random()) ** net.power
        case "sigmoid":
            factor = 0.5 - 0.5 * math.tanh(net.gamma * (iteration - net.step) / 2)  # 1 / (1 + e^z)
        case "sgdr":
            factor = _sgdr(net, iteration)
    return factor


def _passed(net: Net, iteration: int) -> list[tuple[int, float]]:
    """Steps up to now; Darknet stops at the first larger one."""
    passed = []
    for step, scale in zip(net.steps, net.scales, strict=True):
        if step > iteration:
            break
        passed.append((step, scale))
    return passed


def _sgdr(net: Net, iteration: int) -> float:
    start, length = 0, max(1, net.sgdr_cycle)
    while start + length < iteration:
        start, length = start + length, length * net.sgdr_mult
    least = net.learning_rate_min / net.learning_rate
    return least + 0.5 * (1 - least) * (1 + math.cos(math.pi * (iteration - start) / length))


def check_schedule(net: Net) -> None:
    """Refuse a schedule that Darknet would read out of bounds.

    Raises:
        UsageError: when steps and scales do not pair up.
    """
    if net.policy == "steps" and len(net.steps) != len(net.scales):
        message = f"policy=steps with {len(net.steps)} steps and {len(net.scales)} scales cannot be trained"
        raise UsageError(message, hint="give each step a scale, for example --set net.scales=.1,.1")
