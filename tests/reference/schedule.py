"""Darknet's learning rates (AlexeyAB's `get_current_rate`, network.c), one formula a policy, in numpy."""

from __future__ import annotations

import math


def rate(net, it):
    """The rate at iteration `it`; `net` is a dict of the `[net]` keys."""
    lr = net["learning_rate"]
    if it < net.get("burn_in", 0):
        return lr * (it / net["burn_in"]) ** net.get("power", 4)
    policy = net.get("policy", "constant")
    if policy == "constant":
        return lr
    if policy == "step":
        return lr * net["scale"] ** (it // net["step"])
    if policy == "steps":
        for at, scale in zip(net["steps"], net["scales"], strict=True):
            if at > it:
                break
            lr = lr * scale
        return lr
    if policy == "exp":
        return lr * net["gamma"] ** it
    if policy == "poly":
        return lr * (1 - it / net["max_batches"]) ** net.get("power", 4)
    if policy == "sigmoid":
        return lr / (1 + math.exp(net["gamma"] * (it - net["step"])))
    assert policy == "sgdr"
    start, length = 0, net.get("sgdr_cycle", net["max_batches"])
    while start + length < it:
        start, length = start + length, length * net.get("sgdr_mult", 2)
    floor = net.get("learning_rate_min", 1e-5)
    return floor + 0.5 * (lr - floor) * (1 + math.cos(math.pi * (it - start) / length))
