"""Networks that are understood and not run."""

from __future__ import annotations

from dataclasses import replace

from darknet_py.cfg.diagnostics import CfgError
from darknet_py.graph.graph import Graph
from darknet_py.layers.not_executable import NOT_RUN


def must_run(graph: Graph) -> Graph:
    """The graph, if every layer of it can be computed.

    Raises:
        CfgError: with every layer and key that is not, at its place; `lint` tells them as warnings.
    """
    found = [replace(warning, severity="error") for warning in graph.warnings if warning.code == NOT_RUN]
    if found:
        raise CfgError(found)
    return graph
