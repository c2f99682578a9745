"""The engine `onnxruntime` of a file that `export` wrote: its metadata are the cfg and the names."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import numpy as np

from darknet_py.engines.base import Floats
from darknet_py.engines.onnxruntime_engine import session_options
from darknet_py.engines.packages import library
from darknet_py.errors import DataError, UsageError, WeightsError, quoted
from darknet_py.export.metadata import read_metadata
from darknet_py.export.names import IMAGES, raw_names
from darknet_py.graph.graph import Graph

ENDING = ".onnx"


class OnnxFileEngine:
    """Runs an exported ONNX file; of one with NonMaxSuppression the raw maps before it.

    Args:
        callers: see `Engine`.

    Attributes:
        names: of the classes.

    Raises:
        DataError: when it cannot be read, is no ONNX file, or one of another program.
        UsageError: when another engine is asked for, or onnxruntime is not installed.
    """

    name, device = "onnxruntime", "cpu"

    def __init__(
        self, path: str | Path, *, engine: str = "auto", device: str = "cpu", callers: int = 1
    ) -> None:
        """Read the file and make the session."""
        if engine not in ("auto", self.name) or device != self.device:
            asked = (
                f"--engine {quoted(engine)}" if engine not in ("auto", self.name) else f"--device {device}"
            )
            message = f"an ONNX file is run by onnxruntime on the cpu, and {asked} is asked for"
            raise UsageError(message, where=path, hint="other engines take --cfg and --weights")
        self.callers = callers
        data = _bytes(Path(path))
        session = _session(data, path, callers)
        described = read_metadata(session.get_modelmeta().custom_metadata_map, path)
        self.graph: Graph = described.graph
        self.names = described.names
        if not self.graph.heads:
            raise DataError("has no head such as [yolo], so it detects nothing", where=path)
        if described.has_nms:
            session = _session(_with_raw_maps(data, self.graph), path, callers)
        self._session = session
        self._batch = _check_signature(self._session, self.graph, path)

    def __call__(self, images: Floats) -> list[Floats]:
        """See `Engine.__call__`."""
        images = np.ascontiguousarray(images, np.float32)
        step = self._batch or len(images)
        parts = [self._run(images[start : start + step], step) for start in range(0, len(images), step)]
        return [np.concatenate(maps) if len(maps) > 1 else maps[0] for maps in zip(*parts, strict=True)]

    def _run(self, images: Floats, count: int) -> list[Floats]:
        """Run up to `count` images, as many as the file takes; the last batch is filled with zeros."""
        have = len(images)
        if have < count:
            images = np.concatenate([images, np.zeros((count - have, *images.shape[1:]), np.float32)])
        maps: list[Floats] = self._session.run(raw_names(self.graph.heads), {IMAGES: images})
        return [one[:have] for one in maps]


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=path) from None


def _session(data: bytes, where: object, callers: int) -> Any:
    onnxruntime = library("onnxruntime")
    options = session_options(onnxruntime, callers)
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its classes have no common base but this
        reason = _kind_of(data, Path(str(where))) or quoted(str(error).split("\n")[0], limit=200)
        hint = "`darknet-py export CFG --weights W -o FILE.onnx` writes files that can be run"
        raise DataError(
            f"is no ONNX file that onnxruntime can run: {reason}", where=where, hint=hint
        ) from None


def _kind_of(data: bytes, path: Path) -> str:
    """What a file is that is no ONNX file, if its first bytes tell."""
    from darknet_py.model.weights_fit.header import read_header
    from darknet_py.model.weights_fit.kinds import START, kind_of

    start = data[:START]
    if not data:
        return "it is empty"
    if start.startswith(b"PK"):
        return "it looks like a zip archive, such as a program of torch.export"
    if b"<net" in start:
        return "it looks like a network of OpenVINO"
    if kind := kind_of(start, path):
        return f"it looks like {kind.what}"
    with contextlib.suppress(WeightsError):
        read_header(start, path)
        return "it looks like Darknet weights, which --weights takes, with --cfg"
    return ""


def _with_raw_maps(data: bytes, graph: Graph) -> bytes:
    onnx = library("onnx")
    from darknet_py.export.onnx_file import with_outputs

    changed: bytes = with_outputs(onnx.load_from_string(data), raw_names(graph.heads)).SerializeToString()
    return changed


def _check_signature(session: Any, graph: Graph, where: object) -> int | None:
    """How many images the file takes, None for any; its input and outputs must be those of its cfg."""
    inputs = {value.name: value.shape for value in session.get_inputs()}
    outputs = {value.name for value in session.get_outputs()}
    shape = inputs.get(IMAGES, [])
    wanted = (graph.image.channels, graph.image.height, graph.image.width)
    sides = zip(shape[1:], wanted, strict=False)
    fits = len(shape) == 4 and all(isinstance(have, str) or have == want for have, want in sides)
    if not fits or list(inputs) != [IMAGES] or not outputs.issuperset(raw_names(graph.heads)):
        message = "has inputs or outputs that are not those of the cfg in its metadata"
        raise DataError(message, where=where, hint="the file was changed: export it again")
    return shape[0] if isinstance(shape[0], int) else None
