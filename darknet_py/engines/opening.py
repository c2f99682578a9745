"""From a graph and a weights file to an engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING

from darknet_py.cfg.document import Document
from darknet_py.cfg.shipped import open_cfg
from darknet_py.engines.base import Engine
from darknet_py.engines.names import ENGINES
from darknet_py.errors import UsageError, WeightsError, quoted
from darknet_py.lint.check import compile_checked

if TYPE_CHECKING:
    from darknet_py.graph.graph import Graph
    from darknet_py.model.network import Network

Report = Callable[[str], None]


def silent(_: str) -> None:
    """Say nothing."""


def open_engine(
    graph: Graph,
    weights: str | Path | None,
    *,
    engine: str = "auto",
    device: str = "cpu",
    report: Report = silent,
    callers: int = 1,
) -> Engine:
    """Make a graph with the weights of a complete file ready to run.

    Args:
        weights: without, weights and running statistics are torch's own, and torch runs them.
        engine: of `ENGINES`; `auto` is onnxruntime on a CPU if the graph can be expressed in ONNX,
            else torch.
        device: `cpu`, `cuda`, `cuda:1` or `mps`.
        report: is called with one line: which engine was taken, and why.
        callers: threads that will call it at once, if it can be (`Engine.callers`); see `callers_for`.

    Raises:
        CfgError: when a layer cannot be executed, or not by the engine.
        UsageError: when the engine or the device is not there.
        WeightsError: when the file does not fit.
    """
    _check(engine, weights, device)
    if engine in ("openvino", "onnxruntime"):
        assert weights is not None
        opened, why = _on_onnx(graph, weights, engine, callers), "as asked for"
    elif engine == "torch":
        opened, why = _on_torch(graph, weights, device), "as asked for"
    elif not _is_cpu(device):
        opened, why = _on_torch(graph, weights, device), "which runs on this device"
    elif weights is None:
        opened, why = _on_torch(graph, None, device), "which draws the weights"
    else:
        opened, why = _fastest_on_cpu(graph, weights, callers)
    report(f"engine: {opened.name} on {opened.device}, {why}")
    return opened


def open_given(
    cfg: str | Path | Document | Network,
    weights: str | Path | None,
    *,
    engine: str = "auto",
    device: str = "cpu",
) -> Engine:
    """Make ready to run what Python code names a network by.

    Args:
        cfg: a file, a shipped cfg by name, a text, a Document, or a Network, which is moved to the device and
            filled where weights are given; torch runs it.
        engine: see `open_engine`.

    Raises:
        CfgError: when the cfg has errors.
        UsageError: when the engine or the device is not there, or it is none of these.
        WeightsError: when the file does not fit.
    """
    if not isinstance(weights, (str, Path, NoneType)):
        raise UsageError(f"weights are the name of a file, and not of type {type(weights).__name__}")
    if isinstance(cfg, (str, Path, Document)):
        graph = compile_checked(open_cfg(cfg))
        return open_engine(graph, weights, engine=engine, device=device)
    from darknet_py.engines.torch_engine import TorchEngine
    from darknet_py.model.device import usable
    from darknet_py.model.network import Network
    from darknet_py.model.weights import load_weights

    if not isinstance(cfg, Network):
        found = f"and not of type {type(cfg).__name__}"
        raise UsageError(f"a cfg is a file, a shipped cfg by name, a text, a Document or a Network, {found}")
    if engine not in ("auto", "torch"):
        hint = "give its cfg and its weights file instead"
        raise UsageError(f"a Network is run by torch, and not by {quoted(engine)}", hint=hint)
    device = usable(device)
    if weights is not None:
        load_weights(cfg, weights)
    return TorchEngine(cfg, device)


def _check(engine: str, weights: str | Path | None, device: str) -> None:
    """Refuse what does not go together."""
    if engine not in ENGINES:
        raise UsageError(
            f"--engine {quoted(engine)} is not known", hint=f"expected one of {', '.join(ENGINES)}"
        )
    if engine in ("auto", "torch"):
        return
    if not _is_cpu(device):
        hint = "`--engine torch` runs on a GPU"
        raise UsageError(f"the engine {engine} runs on the cpu, and not on {quoted(device)}", hint=hint)
    if weights is None:
        raise UsageError(f"the engine {engine} needs a weights file", hint="without one, torch draws weights")


def _is_cpu(device: str) -> bool:
    return device.partition(":")[0] == "cpu"


def _on_torch(graph: Graph, weights: str | Path | None, device: str) -> Engine:
    from darknet_py.engines.packages import library

    library("torch")
    from darknet_py.engines.torch_engine import TorchEngine
    from darknet_py.model.device import usable
    from darknet_py.model.freed_memory import keep_freed_memory
    from darknet_py.model.network import Network
    from darknet_py.model.restoring import restore

    device = usable(device)
    keep_freed_memory()  # maps of 5 MB and more are not faulted in again at every call
    return TorchEngine(Network(graph) if weights is None else restore(graph, weights), device)


def _on_onnx(graph: Graph, weights: str | Path, name: str, callers: int) -> Engine:
    """An engine of the ONNX graph, whose large arrays are those that were read from the file."""
    from darknet_py.engines.packages import library

    library(name)  # a missing one is named before the weights are read
    from darknet_py.export.onnx_graph import onnx_graph
    from darknet_py.graph.executable import must_run
    from darknet_py.model.weights_file import read_arrays

    must_run(graph)
    arrays = read_arrays(graph, weights)
    network = onnx_graph(graph, arrays, outputs=graph.raw_outputs, fixed=True, in_place=True)
    if name == "openvino":
        from darknet_py.engines.openvino_engine import OpenVinoEngine

        return OpenVinoEngine(graph, network)
    from darknet_py.engines.onnxruntime_engine import OnnxRuntimeEngine

    return OnnxRuntimeEngine(graph, network, callers)


def _fastest_on_cpu(graph: Graph, weights: str | Path, callers: int) -> tuple[Engine, str]:
    """onnxruntime, or torch and why; errors of the cfg and of the weights are torch's as well."""
    from darknet_py.cfg.diagnostics import CfgError
    from darknet_py.graph.executable import must_run
    from darknet_py.model.weights_file import declared_specs

    must_run(graph)
    try:
        declared_specs(graph)  # a layer of a plug-in may have floats that only its module knows
    except WeightsError as error:
        return _on_torch(graph, weights, "cpu"), f"and not onnxruntime: {error.message}"
    try:
        return _on_onnx(
            graph, weights, "onnxruntime", callers
        ), "the fastest on most CPUs (`darknet-py bench`)"
    except CfgError as error:
        reason = error.diagnostics[0].message
    except UsageError as error:
        reason = error.message
    return _on_torch(graph, weights, "cpu"), f"and not onnxruntime: {reason}"
