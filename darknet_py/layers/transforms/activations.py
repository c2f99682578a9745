"""Darknet's activation functions by name. Each entry makes a torch module; gradients are torch's, exact."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


def _torch(name: str, **settings: object) -> nn.Module:
    from torch import nn

    module: nn.Module = getattr(nn, name)(**settings)
    return module


def _elementwise(name: str) -> nn.Module:
    from darknet_py.ops import activation as activation_modules
    from darknet_py.ops.function import Function

    return Function(getattr(activation_modules, name))


ACTIVATIONS: dict[str, partial[nn.Module]] = {
    "leaky": partial(_torch, "LeakyReLU", negative_slope=0.1, inplace=True),
    "linear": partial(_torch, "Identity"),
    "relu": partial(_torch, "ReLU", inplace=True),
    "logistic": partial(_torch, "Sigmoid"),
    "mish": partial(_torch, "Mish"),
    "swish": partial(_torch, "SiLU"),
    "relu6": partial(_torch, "ReLU6"),
    "relie": partial(_torch, "LeakyReLU", negative_slope=0.01),
    "revleaky": partial(_torch, "LeakyReLU", negative_slope=0.1),
    "tanh": partial(_torch, "Tanh"),
    "hardtan": partial(_torch, "Hardtanh"),
    "elu": partial(_torch, "ELU"),
    "selu": partial(_elementwise, "selu"),
    "gelu": partial(_elementwise, "gelu"),
    "loggy": partial(_elementwise, "loggy"),
    "ramp": partial(_elementwise, "ramp"),
    "plse": partial(_elementwise, "plse"),
    "stair": partial(_elementwise, "stair"),
    "lhtan": partial(_elementwise, "lhtan"),
    "hard_mish": partial(_elementwise, "hard_mish"),
    "normalize_channels": partial(_elementwise, "normalize_channels"),
    "normalize_channels_softmax": partial(_elementwise, "normalize_channels_softmax"),
    "normalize_channels_softmax_maxval": partial(_elementwise, "normalize_channels_softmax_maxval"),
}


def activation(name: str) -> nn.Module | None:
    """The activation of a block; None for `linear`."""
    return None if name == "linear" else ACTIVATIONS[name]()


def out_of_place(name: str) -> nn.Module:
    """An activation that does not modify its input; those of convolutions work in place."""
    act = ACTIVATIONS[name]
    return act(inplace=False) if "inplace" in act.keywords else act()
