"""Activation functions as ONNX nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from darknet_py.onnx_ops.nodes import Nodes

Rule = Callable[[Nodes, str], str]
EPSILON = 1e-4  # Darknet: added to the sum over channels


def _node(kind: str, **attributes: float) -> Rule:
    return lambda nodes, x: nodes.add(kind, x, **attributes)


def _linear(nodes: Nodes, x: str) -> str:
    return x


def _clip(nodes: Nodes, x: str, least: float, most: float) -> str:
    return nodes.add("Clip", x, nodes.constant(least), nodes.constant(most))


def _swish(nodes: Nodes, x: str) -> str:
    return nodes.add("Mul", x, nodes.add("Sigmoid", x))


def _mish(nodes: Nodes, x: str) -> str:
    return nodes.add("Mul", x, nodes.add("Tanh", nodes.add("Softplus", x)))


def _gelu(nodes: Nodes, x: str) -> str:
    """x / 2 (1 + tanh(x (.797885 + .035677 x²)))."""
    square = nodes.add("Mul", x, x)
    factor = nodes.add("Add", nodes.add("Mul", square, nodes.constant(0.035677)), nodes.constant(0.797885))
    tanh = nodes.add("Tanh", nodes.add("Mul", x, factor))
    half = nodes.add("Mul", x, nodes.constant(0.5))
    return nodes.add("Add", half, nodes.add("Mul", half, tanh))


def _loggy(nodes: Nodes, x: str) -> str:
    """2 sigmoid(x) - 1 is tanh(x / 2)."""
    return nodes.add("Tanh", nodes.add("Mul", x, nodes.constant(0.5)))


def _ramp(nodes: Nodes, x: str) -> str:
    return nodes.add("Add", nodes.add("Relu", x), nodes.add("Mul", x, nodes.constant(0.1)))


def _beyond(nodes: Nodes, x: str, limits: tuple[float, float], slope: float) -> str:
    """slope (x - clip(x)): what a leaky clip adds outside of its limits."""
    outside = nodes.add("Sub", x, _clip(nodes, x, *limits))
    return nodes.add("Mul", outside, nodes.constant(slope))


def _plse(nodes: Nodes, x: str) -> str:
    inner = nodes.add("Mul", _clip(nodes, x, -4, 4), nodes.constant(0.125))
    inner = nodes.add("Add", inner, nodes.constant(0.5))
    return nodes.add("Add", inner, _beyond(nodes, x, (-4, 4), 0.01))


def _lhtan(nodes: Nodes, x: str) -> str:
    return nodes.add("Add", _clip(nodes, x, 0, 1), _beyond(nodes, x, (0, 1), 0.001))


def _stair(nodes: Nodes, x: str) -> str:
    """floor(x / 2), plus x - floor(x) where floor(x) is odd: n - 2 floor(n / 2) is 1 there, else 0."""
    whole = nodes.add("Floor", x)
    half = nodes.add("Floor", nodes.add("Mul", x, nodes.constant(0.5)))
    odd = nodes.add("Sub", whole, nodes.add("Mul", half, nodes.constant(2)))
    return nodes.add("Add", half, nodes.add("Mul", odd, nodes.add("Sub", x, whole)))


def _hard_mish(nodes: Nodes, x: str) -> str:
    """x clip(x / 2 + 1, 0, 1): x²/2 + x between -2 and 0."""
    slope = nodes.add("Add", nodes.add("Mul", x, nodes.constant(0.5)), nodes.constant(1))
    return nodes.add("Mul", x, _clip(nodes, slope, 0, 1))


def _over_sum(nodes: Nodes, positive: str) -> str:
    """Over the sum over channels plus 1e-4."""
    total = nodes.add("ReduceSum", positive, nodes.integers(1), keepdims=1)
    return nodes.add("Div", positive, nodes.add("Add", total, nodes.constant(EPSILON)))


def _channels_of_relu(nodes: Nodes, x: str) -> str:
    return _over_sum(nodes, nodes.add("Relu", x))


def _channels_of_exp(nodes: Nodes, x: str) -> str:
    return _over_sum(nodes, nodes.add("Exp", x))


def _channels_of_exp_below_maximum(nodes: Nodes, x: str) -> str:
    greatest = nodes.add("ReduceMax", x, axes=[1], keepdims=1)
    return _channels_of_exp(nodes, nodes.add("Sub", x, greatest))


ACTIVATIONS: Mapping[str, Rule] = {
    "leaky": _node("LeakyRelu", alpha=0.1),
    "linear": _linear,
    "relu": _node("Relu"),
    "logistic": _node("Sigmoid"),
    "mish": _mish,
    "swish": _swish,
    "relu6": lambda nodes, x: _clip(nodes, x, 0, 6),
    "relie": _node("LeakyRelu", alpha=0.01),
    "revleaky": _node("LeakyRelu", alpha=0.1),
    "tanh": _node("Tanh"),
    "hardtan": lambda nodes, x: _clip(nodes, x, -1, 1),
    "elu": _node("Elu"),
    "selu": _node("Selu", alpha=1.6732, gamma=1.0507),
    "gelu": _gelu,
    "loggy": _loggy,
    "ramp": _ramp,
    "plse": _plse,
    "stair": _stair,
    "lhtan": _lhtan,
    "hard_mish": _hard_mish,
    "normalize_channels": _channels_of_relu,
    "normalize_channels_softmax": _channels_of_exp,
    "normalize_channels_softmax_maxval": _channels_of_exp_below_maximum,
}
