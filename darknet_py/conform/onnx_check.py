"""The check of `onnx`: onnxruntime computes of it what the torch module computes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from darknet_py.cfg.diagnostics import CfgError, Refused
from darknet_py.conform.cases import Case
from darknet_py.conform.sample import CheckFailed, Sample, normal_maps, weighted
from darknet_py.export.onnx_graph import OnnxNetwork, assembled
from darknet_py.graph.graph import Node
from darknet_py.layers.onnx_form import onnx_of
from darknet_py.onnx_ops.nodes import Floats, GraphNodes, Nodes

WITHIN = 1e-5  # of the greatest value
LONGER = 2  # times as many rows and columns: another size, at which a graph of any size is tried


def onnx_form(sample: Sample) -> None:
    """What onnxruntime computes of the ONNX nodes is what the module computes, at other sizes too."""
    node = sample.node
    arrays = {name: a.detach().numpy() for name, a in node.layer.arrays(sample.module())}
    declared = dict(node.layer.array_shapes(*node.maps))
    if declared != {name: array.shape for name, array in arrays.items()}:
        found = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise CheckFailed(f"`array_shapes` to be {found or 'empty'}", str(declared))
    try:
        form = _form(node, arrays)
    except Refused as refusal:
        if refusal.complaint.key == "activation":  # a plug-in's, without a form
            return
        raise
    session = _session(form)
    _compare(node, session)
    if not form.fixed_size and (larger := _larger(sample.case)) is not None:
        _compare(larger, session)


def _compare(node: Node, session: Any) -> None:
    maps = [m.float() for m in normal_maps(node)]
    with torch.no_grad():
        expected = weighted(node).eval()(*maps).numpy()
    used = {value.name for value in session.get_inputs()}
    fed = {name: m.numpy() for position, m in enumerate(maps) if (name := f"map_{position}") in used}
    ours: Floats = session.run(None, fed)[0]
    if ours.shape != expected.shape:
        raise CheckFailed(f"an output of {expected.shape}", f"{ours.shape}")
    differs = float(np.abs(ours.astype(np.float64) - expected).max())
    if not differs <= WITHIN * max(1.0, float(np.abs(expected).max())):
        raise CheckFailed("the output of the module", f"one that differs by {differs:.3g}")


def _larger(case: Case) -> Node | None:
    """The section on a larger map; None where it does not compile there."""
    try:
        return replace(case, height=case.height * LONGER, width=case.width * LONGER).node()
    except CfgError:
        return None


def _form(node: Node, arrays: dict[str, Floats]) -> OnnxNetwork:
    built = GraphNodes()
    inputs = {f"map_{position}": shape for position, shape in enumerate(node.maps)}
    nodes = Nodes(built, "layer", node.maps, arrays)
    out = onnx_of(node.layer, nodes, *inputs)
    result = nodes.add("Identity", out)  # a layer may return its input
    return assembled(built, inputs, {result: node.shape}, maps=(result,), fixed=built.fixed_size)


def _session(form: OnnxNetwork) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    return onnxruntime.InferenceSession(form.complete(), options, providers=["CPUExecutionProvider"])
