"""A network as an ONNX file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import onnx

from darknet_py.cfg.diagnostics import CfgError
from darknet_py.deploy.settings import ExportSettings
from darknet_py.errors import UsageError
from darknet_py.export.metadata import metadata_of
from darknet_py.export.names import IMAGES, raw_names
from darknet_py.export.nms_graph import PLAIN, with_nms
from darknet_py.export.onnx_file import file_model, with_outputs
from darknet_py.export.onnx_graph import LARGEST, Arrays, OnnxNetwork, onnx_graph
from darknet_py.graph.graph import Graph
from darknet_py.layers.transforms.activations import NO_ONNX
from darknet_py.ops.cells import Floats


class OnnxForm:
    """The ONNX file of a network, run by onnxruntime.

    Args:
        arrays: the weights, as `read_arrays` gives them.
        names: of the classes, for the metadata.

    Raises:
        CfgError: with every layer that has no ONNX form.
        UsageError: when the size cannot be free and is asked to be, or the weights are more than 2 GB.
    """

    def __init__(self, graph: Graph, arrays: Arrays, names: Sequence[str], settings: ExportSettings) -> None:
        """Build the file."""
        self._graph, self._arrays = graph, arrays
        _check_bytes(graph)
        fixed = settings.size == "fixed"
        network = _network(graph, arrays, fixed=fixed)
        self.any_batch, self.any_size = not fixed, not network.fixed_size
        if settings.size == "dynamic" and not self.any_size:
            message = f"the size of the input cannot be free: {network.fixed_size}"
            hint = "without --dynamic, the number of images is free and the size is the cfg's"
            raise UsageError(message, where=graph.document.path, hint=hint)
        limits: dict[str, float] = {}
        if settings.with_nms:
            network = with_nms(network, graph, threshold=settings.threshold, nms=settings.nms)
            limits = {"threshold": settings.threshold, "nms": settings.nms}
        self.notes = _notes(graph, network, settings)
        metadata = metadata_of(graph, names, limits)
        self.model = file_model(network, metadata, batch=1 if fixed else None)
        self.files: Mapping[str, bytes] = {".onnx": self.model.SerializeToString()}
        raw = with_outputs(self.model, raw_names(graph.heads)) if settings.with_nms else None
        self._session = session_of(self.files[".onnx"] if raw is None else raw.SerializeToString())

    def run(self, images: Floats) -> list[Floats]:
        """See `Form.run`."""
        return list(self._session.run(None, {IMAGES: images}))

    def trace(self, images: Floats) -> Mapping[int, Floats]:
        """See `Form.trace`."""
        everything = onnx_graph(self._graph, self._arrays, outputs=range(len(self._graph)))
        maps = session_of(everything.complete()).run(None, {IMAGES: images})
        return dict(enumerate(maps))


def _network(graph: Graph, arrays: Arrays, *, fixed: bool) -> OnnxNetwork:
    """The ONNX graph; an error about a layer without a form says what to do."""
    try:
        return onnx_graph(graph, arrays, fixed=fixed)
    except CfgError as error:
        advice = "declare it as docs/write-a-pool.md shows, or export to torch, which needs none"
        found = [
            replace(each, reason="; ".join(filter(None, (each.reason, advice))))
            if each.code == NO_ONNX
            else each
            for each in error.diagnostics
        ]
        raise CfgError(found) from None


def session_of(data: bytes) -> Any:
    """An onnxruntime session on the CPU, with as many threads as torch has.

    Raises:
        UsageError: when onnxruntime does not accept the file.
    """
    import onnxruntime
    import torch

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = torch.get_num_threads(), 3
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def maps_model(graph: Graph, arrays: Arrays) -> onnx.ModelProto:
    """A model that gives the map of every layer."""
    return onnx_graph(graph, arrays, outputs=range(len(graph))).model()


def _check_bytes(graph: Graph) -> None:
    """Refuse a network whose weights no ONNX file holds, before they are copied."""
    size = 4 * graph.cost.parameters
    if size > LARGEST:
        message = f"the network has {size / 1e9:.1f} GB of weights, and an ONNX file holds 2 GB"
        raise UsageError(message, where=graph.document.path, hint="--to torch has no such limit")


def _notes(graph: Graph, network: OnnxNetwork, settings: ExportSettings) -> tuple[str, ...]:
    notes = []
    if settings.size == "auto" and network.fixed_size:
        notes.append(f"the input has the cfg's size: {network.fixed_size}")
    kind = graph.head_layers[-1].nms_kind if settings.with_nms else PLAIN[0]
    if kind not in PLAIN:
        notes.append(
            f"the cfg has nms_kind={kind}, which subtracts the distance of the boxes from their IoU; "
            "ONNX's NonMaxSuppression does not, so the file leaves out more boxes than `detect`"
        )
    return tuple(notes)
