"""ONNX files: what is written into them beside the graph, and other outputs than they have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import onnx
from onnx import helper

from darknet_py.export.onnx_graph import OnnxNetwork


def file_model(
    network: OnnxNetwork, metadata: Mapping[str, str], *, batch: int | None = None
) -> onnx.ModelProto:
    """One complete model, for a file.

    Args:
        batch: the number of images, where it is not free.

    Raises:
        UsageError: when the weights are more than one file holds.
    """
    model = network.model()
    helper.set_model_props(model, dict(metadata))
    if batch is not None:
        for value in (*model.graph.input, *model.graph.output):
            dims = value.type.tensor_type.shape.dim
            if dims and dims[0].dim_param == "N":
                dims[0].dim_value = batch
    return model


def with_outputs(model: onnx.ModelProto, names: Sequence[str]) -> onnx.ModelProto:
    """The model with other tensors of it as outputs; its weights are shared where that is possible."""
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    del changed.graph.output[:]
    changed.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    return changed
