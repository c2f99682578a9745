"""Darknet's activation functions by name. Each entry makes a torch module; gradients are torch's, exact."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar, overload

from darknet_py.cfg.diagnostics import Complaint, Refused

if TYPE_CHECKING:
    from torch import Tensor, nn

    from darknet_py.onnx_ops.nodes import Nodes

NO_ONNX = "no-onnx"  # the code of errors about what has no ONNX form
WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
Rule = TypeVar("Rule", bound="Callable[[Tensor], Tensor]")


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


class _Names(Sequence[str]):
    """The names of all activations, those of plug-ins included."""

    def __contains__(self, name: object) -> bool:
        return name in ACTIVATIONS

    def __len__(self) -> int:
        return len(ACTIVATIONS)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[str, ...]: ...
    def __getitem__(self, at: int | slice) -> str | tuple[str, ...]:
        return tuple(ACTIVATIONS)[at]


NAMES = _Names()


def activation_function(function: Rule) -> Rule:
    """Declare a function of numbers as an activation of its own name, in a file that `--plugin` loads.

    Its derivative is torch's, by autograd. It must return a new tensor, and of each number by itself, or of
    the channels of a cell.

        @activation_function
        def tanhexp(x):
            '''x tanh(exp(x)). Liu and Di, "TanhExp", arXiv:2003.09855.'''
            return x * x.exp().tanh()

    Raises:
        TypeError: when the name is taken or no word, or there is no docstring.
    """
    name = function.__name__
    if name in ACTIVATIONS:
        raise TypeError(f"activation={name} is declared already")
    if not WORD.fullmatch(name):
        raise TypeError(f"{name} is no name of an activation")
    if not function.__doc__:
        raise TypeError(f"the activation {name} has no docstring")
    ACTIVATIONS[name] = partial(_plugged, function)
    return function


def _plugged(function: Callable[[Tensor], Tensor]) -> nn.Module:
    from darknet_py.ops.function import Function

    return Function(function)


def plugged_functions() -> dict[str, Callable[[Tensor], Tensor]]:
    """The functions of plug-ins, by name."""
    return {name: made.args[0] for name, made in ACTIVATIONS.items() if made.func is _plugged}


def activation(name: str) -> nn.Module | None:
    """The activation of a block; None for `linear`."""
    return None if name == "linear" else ACTIVATIONS[name]()


def activation_nodes(name: str, nodes: Nodes, x: str) -> str:
    """Add the ONNX nodes of an activation; of a plug-in's, those that its attribute `onnx` adds.

    Raises:
        Refused: when the function of a plug-in has none.
    """
    from darknet_py.onnx_ops.activation import ACTIVATIONS as RULES

    rule = RULES.get(name) or getattr(plugged_functions()[name], "onnx", None)
    if rule is None:
        reason = f"the function of the plug-in has no attribute `onnx`, {name}.onnx = lambda nodes, x: ..."
        message = f"activation={name} has no ONNX form"
        raise Refused(Complaint(message, key="activation", code=NO_ONNX, reason=reason))
    return str(rule(nodes, x))


def out_of_place(name: str) -> nn.Module:
    """An activation that does not modify its input; those of convolutions work in place."""
    act = ACTIVATIONS[name]
    return act(inplace=False) if "inplace" in act.keywords else act()
