"""The keys of `[net]` for training: batches, learning rate, optimizer and averages of weights."""

from __future__ import annotations

from collections.abc import Iterator

from darknet_py.arithmetic.shape import Shape
from darknet_py.cfg.diagnostics import Complaint
from darknet_py.cfg.keys import key, same_as
from darknet_py.layers.base import Layer

POLICIES = ("constant", "step", "exp", "poly", "steps", "sigmoid", "random", "sgdr")


class Schedule(Layer):
    """The part of `[net]` that defines the training."""

    batch: int = key(1, at_least=1, at_most=65536, doc="images in one update")
    subdivisions: int = key(
        1, at_least=1, at_most=65536, doc="parts in which a batch is computed, gradients summed"
    )
    max_batches: int = key(0, at_least=0, doc="iterations to train")
    learning_rate: float = key(0.001, above=0, doc="learning rate")
    learning_rate_min: float = key(1e-5, at_least=0, doc="the floor of policy sgdr")
    policy: str = key("constant", one_of=POLICIES, doc="how the learning rate changes")
    burn_in: int = key(0, at_least=0, doc="iterations of warm-up, (iteration / burn_in) ^ power")
    power: float = key(4.0, doc="exponent of the warm-up, and of policies poly and random")
    steps: tuple[int, ...] = key((), doc="iterations at which the rate changes, policy steps")
    scales: tuple[float, ...] = key((), doc="factors of the rate at each of `steps`")
    step: int = key(1, at_least=1, doc="interval of policies step and sigmoid")
    scale: float = key(1.0, doc="factor of policy step")
    gamma: float = key(1.0, doc="base of policy exp, slope of policy sigmoid")
    sgdr_cycle: int = key(
        same_as("max_batches"), at_least=0, doc="iterations of the first cycle of policy sgdr"
    )
    sgdr_mult: int = key(
        2, at_least=1, doc="how much longer each cycle of policy sgdr is than the one before"
    )
    momentum: float = key(0.9, at_least=0, at_most=1, doc="momentum of gradient descent")
    decay: float = key(0.0001, at_least=0, doc="weight decay; of weights, not of biases and scales")
    adam: bool = key(False, doc="Adam instead of gradient descent")
    B1: float = key(0.9, at_least=0, at_most=0.999999, doc="Adam's decay of the mean of gradients")
    B2: float = key(0.999, at_least=0, at_most=0.999999, doc="Adam's decay of the mean of their squares")
    eps: float = key(1e-6, above=0, doc="Adam's epsilon, for gradients summed over a batch")
    decoupled_decay: bool = key(
        False, doc="Adam's decay applies to weights, not to their gradient (AdamW); not in Darknet"
    )
    ema_decay: float = key(
        0.0,
        at_least=0,
        at_most=0.999999,
        doc="average of weights from the first update on, which is evaluated and saved; not in Darknet",
    )
    ema_ramp: int = key(2000, at_least=1, doc="updates in which ema_decay grows to its value; not in Darknet")
    frozen_bn: bool = key(
        False,
        doc="batch normalisation keeps the statistics of the weights file in training; not in Darknet",
    )
    ema_alpha: float = key(0.0, at_least=0, at_most=0.999999, doc="average of weights from half-time on")

    def check(self, *maps: Shape) -> Iterator[Complaint]:
        """Subdivisions must divide the batch, and steps and scales must match."""
        if self.batch % self.subdivisions:
            message = f"batch={self.batch} is not a multiple of subdivisions={self.subdivisions}"
            yield Complaint(
                message, key="subdivisions", reason="each part of a batch has batch / subdivisions images"
            )
        if 0 < self.max_batches < self.burn_in:
            message = f"burn_in={self.burn_in} is longer than max_batches={self.max_batches}"
            reason = "the learning rate never reaches learning_rate"
            yield Complaint(message, key="burn_in", severity="warning", reason=reason)
        if self.policy == "steps" and len(self.steps) != len(self.scales):
            message = f"{len(self.steps)} steps and {len(self.scales)} scales"
            yield Complaint(
                message, key="scales", severity="warning", reason="training is refused until they pair up"
            )
        if any(b <= a for a, b in zip(self.steps, self.steps[1:], strict=False)):
            yield Complaint(
                "steps must ascend",
                key="steps",
                severity="warning",
                reason="Darknet stops at the first larger one",
            )
