"""Programs that run a network forward, for `bench/inference.py`: each is started in a process of its own."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

THREADS = 2
Runner = Callable[[np.ndarray], list[np.ndarray]]


@dataclass(frozen=True)
class Peer:
    """Files of one network.

    Args:
        cfg: the file.
        weights: the file.
        batch: images of a call.
    """

    cfg: str
    weights: str
    batch: int


class OpenCv(Peer):
    """OpenCV's importer of Darknet files; its heads put out decoded boxes, so convolutions are asked for."""

    def __call__(self) -> Runner:
        """Read the files."""
        import cv2

        cv2.setNumThreads(THREADS)
        net = cv2.dnn.readNetFromDarknet(self.cfg, self.weights)
        names = net.getUnconnectedOutLayersNames()

        def run(images: np.ndarray) -> list[np.ndarray]:
            net.setInput(images)
            return list(net.forward(names))

        return run


class TorchOnnx(Peer):
    """onnxruntime on what `torch.onnx` exports of the Network."""

    def __call__(self) -> Runner:
        """Read the files."""
        import onnxruntime
        import torch

        from darknet_py import load

        network = load(self.cfg, self.weights).eval()

        image, file = network.graph.image, io.BytesIO()
        example = torch.zeros(self.batch, image.channels, image.height, image.width)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of shapes that it takes for constants, as they are
            torch.onnx.export(
                network, (example,), file, dynamo=False, input_names=["images"], opset_version=17
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = THREADS, 3
        session = onnxruntime.InferenceSession(file.getvalue(), options, providers=["CPUExecutionProvider"])
        return lambda images: list(session.run(None, {"images": images}))


class PytorchYolo(Peer):
    """The package pytorchyolo; its heads decode."""

    def __call__(self) -> Runner:
        """Read the files."""
        import torch

        _give_sctypes()
        from pytorchyolo.models import load_model

        torch.set_num_threads(THREADS)
        model = load_model(self.cfg, self.weights).eval()

        def run(images: np.ndarray) -> list[np.ndarray]:
            with torch.inference_mode():
                return [model(torch.from_numpy(images)).numpy()]

        return run


def _give_sctypes() -> None:
    """What imgaug, which pytorchyolo imports, reads of NumPy, and what NumPy 2 no longer has."""
    kinds = {"float": "efdg", "int": "bhilq", "uint": "BHILQ"}
    np.sctypes = {kind: [np.dtype(code).type for code in codes] for kind, codes in kinds.items()}


class Ultralytics(Peer):
    """The ultralytics package; its network of the same name is 1.44 (tiny) or 1.81 (spp) times as large."""

    def __call__(self) -> Runner:
        """Read the files."""
        import torch
        from ultralytics import YOLO

        names = {"yolov3-tiny": "yolov3-tiny.yaml", "yolov3-spp": "yolov3-spp.yaml"}
        name = next((yaml for stem, yaml in names.items() if stem in self.cfg), None)
        if name is None:
            raise LookupError("it has no network of this name")
        model = YOLO(name).model.eval().fuse()
        torch.set_num_threads(THREADS)

        def run(images: np.ndarray) -> list[np.ndarray]:
            with torch.inference_mode():
                return [model(torch.from_numpy(images))[0].numpy()]

        return run


PEERS: dict[str, tuple[type[Peer], str]] = {  # and the package of each
    "OpenCV dnn": (OpenCv, "cv2"),
    "onnxruntime of torch.onnx": (TorchOnnx, "onnxruntime"),
    "pytorchyolo": (PytorchYolo, "pytorchyolo"),
    "ultralytics": (Ultralytics, "ultralytics"),
}
