"""`darknet_py.export`: a network as a file for other programs, kept if it computes the same."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from darknet_py.cfg.document import Document
from darknet_py.cfg.shipped import open_cfg
from darknet_py.deploy.check import Difference, compare
from darknet_py.deploy.forms import Form
from darknet_py.deploy.inputs import COUNT, drawn_inputs, image_count, image_inputs
from darknet_py.deploy.settings import ExportSettings, form_of
from darknet_py.errors import UsageError, WeightsError
from darknet_py.files.digest import sha256_of
from darknet_py.lint.check import compile_checked
from darknet_py.model.restoring import restore
from darknet_py.model.weights_file import read_arrays
from darknet_py.model.weights_fit.header import first_bytes, read_header
from darknet_py.predict.names import class_names
from darknet_py.predict.network_classes import classes_of_graph
from darknet_py.progress import Progress, no_progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from darknet_py.graph.graph import Graph
    from darknet_py.model.network import Network
    from darknet_py.ops.cells import Floats


@dataclass(frozen=True)
class Exported:
    """An export that was kept.

    Args:
        files: paths and sizes in bytes.
        inputs: how many drawn inputs it was tried with.
        images: how many images.
        difference: the greatest from the network, as a fraction of the greatest value of its map.
        any_batch: it takes any number of images; else one.
        any_size: it takes inputs of other sizes than the cfg's.
        notes: what to know about it.
        sha256: of the first file.
    """

    to: str
    files: Mapping[str, int]
    inputs: int
    images: int
    difference: float
    any_batch: bool
    any_size: bool
    notes: tuple[str, ...]
    sha256: str


def export(
    cfg: str | Path | Document,
    weights: str | Path,
    target: str | Path,
    *,
    to: str = "",
    settings: ExportSettings | None = None,
    progress: Progress = no_progress,
) -> Exported:
    """Write a network for other programs, if it computes there what it computes here.

    It is run on 32 drawn inputs and on images; a difference of more than 1e-4 of a map's greatest value
    leaves nothing behind.

    Args:
        cfg: a file, a shipped cfg by name, a text or a Document.
        target: .onnx, .xml (OpenVINO; .bin next to it), .pt2 (torch.export), .cfg (Darknet; .weights too).
        to: onnx, openvino, torch or darknet; without, as `target` ends.

    Raises:
        CfgError: when the cfg has errors, or a layer has no form in the format.
        ExportDiffers: when the file computes something else, with the first layer that does.
        UsageError, WeightsError, DataError: when arguments, the weights or images cannot be used.
    """
    settings, target, weights = settings or ExportSettings(), Path(target), Path(weights)
    to = form_of(target, to)
    graph = compile_checked(open_cfg(cfg))
    _check(graph, to, settings)
    paths = _paths(target, to, (weights, Path(graph.document.path)))
    network = restore(graph, weights).eval()
    _check_complete(graph, weights)
    total = COUNT + image_count(graph, settings.images)
    form = _form(graph, network, to, (weights, settings))
    found = _tried(network, form, settings, (target, total, progress))
    _publish(dict(zip(paths, form.files.values(), strict=True)))
    sizes = {str(path): path.stat().st_size for path in paths}
    tried = COUNT, total - COUNT, found.greatest
    return Exported(to, sizes, *tried, form.any_batch, form.any_size, form.notes, sha256_of(paths[0]))


def _check(graph: Graph, to: str, settings: ExportSettings) -> None:
    """Refuse settings that the format or the network does not have."""
    if settings.with_nms and to != "onnx":
        hint = "OpenVINO reads such an ONNX file itself" if to == "openvino" else "export to onnx"
        raise UsageError(f"--with-nms is of onnx, and {to} is asked for", hint=hint)
    if settings.with_nms and not graph.heads:
        message = "--with-nms: the network has no head such as [yolo], so it gives no boxes"
        raise UsageError(message, where=graph.document.path)
    if settings.size == "dynamic" and to == "torch":
        message = "--dynamic: a program of torch.export has the cfg's size; its number of images is free"
        raise UsageError(message, hint="export to onnx for a free size")
    if settings.size != "auto" and to == "darknet":
        raise UsageError(f"--{settings.size} is not of darknet, which takes the size from the cfg")


def _paths(target: Path, to: str, inputs: Sequence[Path]) -> list[Path]:
    """The files to write; none of them may be a folder, or one that is read."""
    if not target.parent.is_dir():
        raise UsageError("there is no such folder to write to", where=target.parent)
    second = {"openvino": ".bin", "darknet": ".weights"}.get(to)
    paths = [target, *([target.with_suffix(second)] if second else [])]
    for path in paths:
        if path.is_dir():
            raise UsageError("is a folder", where=path, hint="name a file")
        if any(path.exists() and other.exists() and path.samefile(other) for other in inputs):
            raise UsageError("is a file that is read", where=path, hint="name another file with -o")
    return paths


def _check_complete(graph: Graph, weights: Path) -> None:
    """Refuse weights that lack arrays: the network would be another each time."""
    lacking = [node for node in graph if node.layer.dontload or node.layer.dontloadscales]
    complete = weights.stat().st_size - read_header(first_bytes(weights), weights).size
    if lacking and complete != 4 * graph.cost.parameters:
        message = f"has no weights of {lacking[0].name}, as the cfg's dontload says"
        raise WeightsError(message, where=weights, hint="train the network first")


def _form(graph: Graph, network: Network, to: str, given: tuple[Path, ExportSettings]) -> Form:
    """Build what is to be written."""
    weights, settings = given
    if to == "darknet":
        from darknet_py.deploy.darknet_form import DarknetForm

        seen = read_header(first_bytes(weights), weights).seen
        return DarknetForm(graph, read_arrays(graph, weights), seen)
    classes, neighbours = classes_of_graph(graph), (weights, Path(graph.document.path))
    file = Path(settings.names) if settings.names else None
    names = class_names(classes, file=file, neighbours=neighbours)
    if to == "torch":
        from darknet_py.deploy.torch_form import TorchForm

        return TorchForm(network, names, one=settings.size == "fixed")
    from darknet_py.deploy.onnx_form import OnnxForm

    if to == "onnx":
        return OnnxForm(graph, read_arrays(graph, weights), names, settings)
    from darknet_py.deploy.openvino_form import OpenvinoForm

    arrays = read_arrays(graph, weights)
    return OpenvinoForm(graph, arrays, OnnxForm(graph, arrays, names, settings))


def _tried(
    network: Network, form: Form, settings: ExportSettings, run: tuple[Path, int, Progress]
) -> Difference:
    """Run the form on all inputs next to the network."""
    target, total, progress = run
    graph = network.graph
    done = 0

    def inputs() -> Iterator[Floats]:
        nonlocal done
        drawn = drawn_inputs(graph, any_batch=form.any_batch, any_size=form.any_size)
        for images in chain(drawn, image_inputs(graph, settings.images)):
            yield images
            done += len(images)
            progress(done, total)

    found = compare(network, form, inputs(), target)
    if settings.with_nms:
        from darknet_py.deploy.detections_check import DetectionsCheck
        from darknet_py.deploy.onnx_form import OnnxForm

        assert isinstance(form, OnnxForm)
        check = DetectionsCheck(network, form, settings, target)
        shares = [check(images) for images in image_inputs(graph, settings.images)]
        found.greatest = max(found.greatest, *shares)
    return found


def _publish(files: Mapping[Path, bytes]) -> None:
    """Write all files next to each other, then give them their names, the first one last.

    Raises:
        UsageError: when they cannot be written; what was there is untouched.
    """
    (first, *_), written = files, []
    try:
        with tempfile.TemporaryDirectory(dir=first.parent, prefix=".export-") as folder:
            for path, data in files.items():
                part = Path(folder) / path.name
                with part.open("xb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                written.append((part, path))
            for part, path in reversed(written):
                part.replace(path)
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror}", where=first) from None
