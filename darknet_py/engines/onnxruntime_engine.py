"""The engine `onnxruntime`: the ONNX graph of the network on a CPU, without torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from darknet_py.engines.base import Floats
from darknet_py.engines.channel_blocks import block_size, widened
from darknet_py.engines.packages import library
from darknet_py.engines.threads import usable_threads
from darknet_py.export.names import IMAGES
from darknet_py.graph.graph import Graph

if TYPE_CHECKING:
    from darknet_py.export.onnx_graph import OnnxNetwork

ERRORS_ONLY = 3  # of log_severity_level


class OnnxRuntimeEngine:
    """Runs an ONNX graph.

    Args:
        graph: what `network` was made of.
        network: its outputs are `graph.raw_outputs`.
        callers: see `Engine`; each call takes its share of the threads.

    Raises:
        UsageError: when onnxruntime is not installed.
    """

    name, device = "onnxruntime", "cpu"

    def __init__(self, graph: Graph, network: OnnxNetwork, callers: int = 1) -> None:
        """Make the session."""
        onnxruntime = library("onnxruntime")
        network = widened(network, block_size())
        self.graph, self.threads, self.callers = graph, usable_threads(), callers
        options = session_options(onnxruntime, callers)
        # the session reads the arrays where they are, so that they live as long as it does
        self._arrays = [onnxruntime.OrtValue.ortvalue_from_numpy(one) for one in network.weights.values()]
        options.add_external_initializers(list(network.weights), self._arrays)
        model = network.serialized()
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._outputs = list(network.outputs)

    def __call__(self, images: Floats) -> list[Floats]:
        """See `Engine.__call__`."""
        found: list[Floats] = self._session.run(
            self._outputs, {IMAGES: np.ascontiguousarray(images, np.float32)}
        )
        return found


def session_options(onnxruntime: Any, callers: int) -> Any:
    """How sessions compute: fast, with the threads that may be used, shared by so many callers."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.intra_op_num_threads = max(1, usable_threads() // callers)
    options.inter_op_num_threads = 1
    options.log_severity_level = ERRORS_ONLY
    # threads that wait for the next call leave the processors to those that read and write images
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return options
