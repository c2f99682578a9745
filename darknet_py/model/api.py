"""`darknet_py.load`: from a cfg to a network that can be run."""

from __future__ import annotations

from pathlib import Path

from darknet_py.cfg.document import Document
from darknet_py.lint.api import compile
from darknet_py.model.network import Network
from darknet_py.model.restoring import restore


def load(cfg: str | Path | Document, weights: str | Path | None = None) -> Network:
    """Build the network of a cfg, in evaluation mode.

    `network(images)` gives one raw map per head, before the sigmoid; `network.trace(images)` gives every
    layer's map as Darknet's layer holds it. Images are (N, C, H, W) float32 in 0..1.

    Args:
        cfg: a file, a shipped cfg by name, a text or a Document.
        weights: a complete `.weights` file. Without, weights and running statistics are torch's own.

    Raises:
        CfgError: when the cfg has errors.
        WeightsError: when the weights do not fit.
    """
    graph = compile(cfg)
    network = Network(graph) if weights is None else restore(graph, weights)
    return network.eval()
