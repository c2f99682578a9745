"""From a graph and a weights file to an engine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from darknet_py.cfg.document import Document
from darknet_py.cfg.shipped import open_cfg
from darknet_py.engines.base import Engine
from darknet_py.errors import UsageError
from darknet_py.lint.check import compile_checked

if TYPE_CHECKING:
    from darknet_py.graph.graph import Graph
    from darknet_py.model.network import Network


def open_engine(graph: Graph, weights: str | Path | None, *, device: str = "cpu") -> Engine:
    """Make a graph with the weights of a complete file ready to run.

    Args:
        weights: without, weights and running statistics are torch's own.
        device: `cpu`, `cuda`, `cuda:1` or `mps`.

    Raises:
        CfgError: when a layer cannot be executed.
        UsageError: when the device is not there.
        WeightsError: when the file does not fit.
    """
    from darknet_py.engines.torch_engine import TorchEngine
    from darknet_py.model.device import usable
    from darknet_py.model.network import Network
    from darknet_py.model.restoring import restore

    device = usable(device)
    return TorchEngine(Network(graph) if weights is None else restore(graph, weights), device)


def open_given(
    cfg: str | Path | Document | Network, weights: str | Path | None, *, device: str = "cpu"
) -> Engine:
    """Make ready to run what Python code names a network by.

    Args:
        cfg: a file, a shipped cfg by name, a text, a Document, or a Network, which is moved to the device and
            filled where weights are given.

    Raises:
        CfgError: when the cfg has errors.
        UsageError: when the device is not there, or it is none of these.
        WeightsError: when the file does not fit.
    """
    if isinstance(cfg, (str, Path, Document)):
        return open_engine(compile_checked(open_cfg(cfg)), weights, device=device)
    from darknet_py.engines.torch_engine import TorchEngine
    from darknet_py.model.device import usable
    from darknet_py.model.network import Network
    from darknet_py.model.weights import load_weights

    if not isinstance(cfg, Network):
        found = f"and not of type {type(cfg).__name__}"
        raise UsageError(f"a cfg is a file, a shipped cfg by name, a text, a Document or a Network, {found}")
    device = usable(device)
    if weights is not None:
        load_weights(cfg, weights)
    return TorchEngine(cfg, device)
