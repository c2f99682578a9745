"""A layer as ONNX nodes: the form that its class declares, if it is that of its torch module."""

from __future__ import annotations

from typing import TYPE_CHECKING

from darknet_py.cfg.diagnostics import Complaint, Refused
from darknet_py.layers.base import Layer
from darknet_py.layers.transforms.activations import NO_ONNX

if TYPE_CHECKING:
    from darknet_py.onnx_ops.nodes import Nodes


def onnx_of(layer: Layer, nodes: Nodes, *maps: str) -> str:
    """Add the nodes of a layer, and return the name of its output.

    Args:
        maps: the names of its inputs.

    Raises:
        Refused: when it has no ONNX form. A class that redefines what it computes (`module` or `reduce`) and
            not `onnx` has none, whatever it inherits.
    """
    if declares_onnx(type(layer)):
        return layer.onnx(nodes, *maps)
    reason = f"{type(layer).__name__} does not declare `onnx`"
    message = f"[{layer.section}] has no ONNX form"
    raise Refused(Complaint(message, code=NO_ONNX, reason=reason))


def declares_onnx(cls: type[Layer]) -> bool:
    """Whether the ONNX form of a class is that of its module."""
    return declares(cls, "onnx", ("module", "reduce"))


def declares(cls: type[Layer], form: str, others: tuple[str, ...]) -> bool:
    """Whether a class, or the nearest one that it extends, declares a form with or after its other forms."""
    for one in cls.__mro__:
        if form in vars(one):
            return True
        if any(other in vars(one) for other in others):
            break
    return False
