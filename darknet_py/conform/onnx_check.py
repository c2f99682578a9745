"""The check of `onnx`: onnxruntime computes of it what the torch module computes."""

from __future__ import annotations

import numpy as np
import torch

from darknet_py.cfg.diagnostics import Refused
from darknet_py.conform.sample import CheckFailed, Sample
from darknet_py.export.onnx_graph import OnnxNetwork, Value, assembled
from darknet_py.layers.onnx_form import onnx_of
from darknet_py.onnx_ops.nodes import Floats, GraphNodes, Nodes

WITHIN = 1e-5  # of the greatest value


def onnx_form(sample: Sample) -> None:
    """What onnxruntime computes of the ONNX nodes is what the module computes."""
    node, module, maps = sample.node, sample.module().eval(), sample.maps()
    arrays = {name: array.detach().numpy() for name, array in node.layer.arrays(module)}
    declared = dict(node.layer.array_shapes(*node.maps))
    if declared != {name: array.shape for name, array in arrays.items()}:
        found = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise CheckFailed(f"`array_shapes` to be {found or 'empty'}", str(declared))
    try:
        form = _form(sample, arrays)
    except Refused as refusal:
        if refusal.complaint.key == "activation":  # a plug-in's, without a form
            return
        raise
    with torch.no_grad():
        expected = module(*maps).numpy()
    ours = _computed(form, [m.numpy() for m in maps])
    if ours.shape != expected.shape:
        raise CheckFailed(f"an output of {expected.shape}", f"{ours.shape}")
    differs = float(np.abs(ours.astype(np.float64) - expected).max())
    if not differs <= WITHIN * max(1.0, float(np.abs(expected).max())):
        raise CheckFailed("the output of the module", f"one that differs by {differs:.3g}")


def _form(sample: Sample, arrays: dict[str, Floats]) -> OnnxNetwork:
    node, built = sample.node, GraphNodes()
    inputs = [Value(f"map_{position}", shape) for position, shape in enumerate(node.maps)]
    nodes = Nodes(built, "layer", node.maps, arrays)
    out = onnx_of(node.layer, nodes, *(value.name for value in inputs))
    result = nodes.add("Identity", out)  # a layer may return its input
    model = assembled(built, inputs, [Value(result, node.shape)], fixed=bool(built.fixed_size))
    return OnnxNetwork(model, built.weights, (result,), built.fixed_size)


def _computed(form: OnnxNetwork, maps: list[Floats]) -> Floats:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(
        form.model().SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    used = {value.name for value in session.get_inputs()}
    fed = {f"map_{position}": each for position, each in enumerate(maps)}
    out: Floats = session.run(None, {name: each for name, each in fed.items() if name in used})[0]
    return out
