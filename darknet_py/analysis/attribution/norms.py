"""Batch normalisations whose statistics are estimated again, for what they read has changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import nn

from darknet_py.analysis.attribution.prefix import Maps
from darknet_py.model.network import Network


@contextmanager
def reestimated_norms(
    network: Network, layer: int, batches: Iterable[Maps], change: Callable[[Maps], Maps]
) -> Iterator[None]:
    """Within, batch normalisations from a layer on have the mean statistics of these batches.

    As torch's `update_bn`: all of them in one pass, each batch counts equally.

    Args:
        batches: the maps that layers from `layer` on read, of unlabelled images.
        change: what becomes of the maps before.
    """
    modules = [m for one in network.layers[layer:] for m in one.modules() if isinstance(m, nn.BatchNorm2d)]
    before = [(m.momentum, {name: t.clone() for name, t in m.state_dict().items()}) for m in modules]
    try:
        for module in modules:
            module.reset_running_stats()
            module.momentum = None  # a mean over all batches
            module.train()
        with torch.no_grad():
            for maps in batches:
                network.resume(change(maps), layer)
        for module in modules:
            module.eval()
        yield
    finally:
        for module, (momentum, state) in zip(modules, before, strict=True):
            module.momentum = momentum
            module.load_state_dict(state)
            module.eval()
