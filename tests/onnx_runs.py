"""Running an ONNX graph by onnxruntime, as tests do."""

from __future__ import annotations

import numpy as np
import onnxruntime

from darknet_py.export.onnx_graph import OnnxNetwork


def run_onnx(network: OnnxNetwork, images: np.ndarray) -> list[np.ndarray]:
    """The outputs, with one thread."""
    return run_bytes(network.complete(), images)


def run_bytes(data: bytes, images: np.ndarray) -> list[np.ndarray]:
    """The outputs of the bytes of a file, with one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return list(session.run(None, {"images": images}))
