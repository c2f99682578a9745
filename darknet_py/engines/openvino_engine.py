"""The engine `openvino`: the ONNX graph of the network by Intel's library on a CPU, without torch."""

from __future__ import annotations

import numpy as np

from darknet_py.engines.base import Floats
from darknet_py.engines.packages import library
from darknet_py.engines.threads import usable_threads
from darknet_py.export.onnx_graph import OnnxNetwork
from darknet_py.graph.graph import Graph


class OpenVinoEngine:
    """Runs an ONNX graph.

    Args:
        graph: what `network` was made of.
        network: its outputs are `graph.raw_outputs`.

    Raises:
        UsageError: when openvino is not installed, or the weights are more than one ONNX file holds.
    """

    name, device = "openvino", "cpu"

    def __init__(self, graph: Graph, network: OnnxNetwork) -> None:
        """Compile the graph, once for all sizes of a batch."""
        openvino = library("openvino")
        self.graph, self.threads = graph, usable_threads()
        model = openvino.Core().read_model(network.complete())
        # float32 throughout, where the processor would offer bfloat16
        config = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": self.threads,
            "INFERENCE_PRECISION_HINT": "f32",
        }
        compiled = openvino.Core().compile_model(model, "CPU", config)
        self._request = compiled.create_infer_request()
        self._count = len(network.outputs)

    def __call__(self, images: Floats) -> list[Floats]:
        """See `Engine.__call__`; the request reuses its outputs, so they are copied."""
        self._request.infer([np.ascontiguousarray(images, np.float32)], share_inputs=True)
        return [self._request.get_output_tensor(i).data.copy() for i in range(self._count)]
