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
    for cls in type(layer).__mro__:
        own = vars(cls)
        if "onnx" in own:
            return layer.onnx(nodes, *maps)
        if "module" in own or "reduce" in own:
            break
    reason = f"{type(layer).__name__} does not declare `onnx`"
    message = f"[{layer.section}] has no ONNX form"
    raise Refused(Complaint(message, code=NO_ONNX, reason=reason))
