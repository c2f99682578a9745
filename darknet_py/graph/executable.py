"""Networks that compile and cannot be executed here."""

from __future__ import annotations

from dataclasses import replace

from darknet_py.cfg.diagnostics import CfgError
from darknet_py.graph.graph import Graph
from darknet_py.layers.not_executable import NOT_RUN


def must_run(graph: Graph) -> Graph:
    """The graph, if every layer of it can be computed.

    Raises:
        CfgError: with every layer and key that cannot, at its place; `lint` reports them as warnings.
    """
    found = [replace(one, severity="error") for one in graph.diagnostics if one.code == NOT_RUN]
    if found:
        raise CfgError(found)
    return graph
