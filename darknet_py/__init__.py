"""A lab bench for YOLO cfg files: read them exactly, change a pool, train, and compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from darknet_py.model.network import Network

__version__ = "0.1.0"
__all__ = ["load"]


def load(cfg: str | Path, weights: str | Path | None = None) -> Network:
    """Build the network of a cfg, in evaluation mode.

    `network(images)` gives one raw map per head, before the sigmoid; `network.trace(images)` gives every
    layer's map as Darknet's layer holds it. Images are (N, C, H, W) float32 in 0..1.

    Args:
        cfg: a file, or a shipped cfg by name.
        weights: a complete `.weights` file; without, running statistics and weights are torch's own.

    Raises:
        CfgError: when the cfg has errors.
        WeightsError: when the weights do not fit.
    """
    from darknet_py.cfg.shipped import find_cfg
    from darknet_py.model.network import Network
    from darknet_py.model.weights import load_weights

    network = Network.from_cfg(find_cfg(cfg))
    if weights is not None:
        load_weights(network, weights)
    return network.eval()
