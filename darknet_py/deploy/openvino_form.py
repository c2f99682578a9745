"""A network as OpenVINO's intermediate representation, made from its ONNX file."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx

from darknet_py.deploy.onnx_form import OnnxForm, maps_model
from darknet_py.engines.packages import library
from darknet_py.errors import UsageError
from darknet_py.export.names import IMAGES
from darknet_py.export.onnx_graph import Arrays
from darknet_py.graph.graph import Graph
from darknet_py.ops.cells import Floats

NAME = "net"


class OpenvinoForm:
    """The .xml and .bin of a network, run by OpenVINO on the CPU in float32.

    Raises:
        UsageError: when OpenVINO is not installed, or cannot read the network.
    """

    def __init__(self, graph: Graph, arrays: Arrays, source: OnnxForm) -> None:
        """Convert the ONNX file."""
        self._graph, self._arrays = graph, arrays
        self.any_batch, self.any_size, self.notes = source.any_batch, source.any_size, source.notes
        openvino = _openvino()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{NAME}.xml"
            model = _converted(source.model, Path(folder), graph)
            for entry in source.model.metadata_props:
                model.set_rt_info(entry.value, ["darknet_py", entry.key])
            openvino.save_model(model, path, compress_to_fp16=False)
            del model  # it may map the ONNX file
            self.files: Mapping[str, bytes] = {
                ending: path.with_suffix(ending).read_bytes() for ending in (".xml", ".bin")
            }
            self._run = _compiled(openvino.Core().read_model(path))

    def run(self, images: Floats) -> list[Floats]:
        """See `Form.run`."""
        found: list[Floats] = self._run(images)
        return found

    def trace(self, images: Floats) -> Mapping[int, Floats]:
        """See `Form.trace`."""
        with tempfile.TemporaryDirectory() as folder:
            model = _converted(maps_model(self._graph, self._arrays), Path(folder), self._graph)
            return dict(enumerate(_compiled(model)(images)))


def _openvino() -> Any:
    return library("openvino")


def _converted(model: onnx.ModelProto, folder: Path, graph: Graph) -> Any:
    path = folder / f"{NAME}.onnx"
    path.write_bytes(model.SerializeToString())
    try:
        return _openvino().convert_model(path)
    except RuntimeError as error:
        message = f"OpenVINO cannot read the network: {str(error).strip().splitlines()[-1]}"
        raise UsageError(message, where=graph.document.path, hint="--to onnx may do") from None


def _compiled(model: Any) -> Any:
    import torch

    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": torch.get_num_threads()}
    compiled = _openvino().Core().compile_model(model, "CPU", settings)

    def run(images: Floats) -> list[Floats]:
        results = compiled({IMAGES: images})
        return [results[output].copy() for output in compiled.outputs]

    return run
