"""Batch normalisations whose statistics are estimated again, for what they read has changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

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
    norms = {
        index: [m for m in network.layers[index].modules() if isinstance(m, nn.BatchNorm2d)]
        for index in range(layer, len(network.layers))
    }
    modules = [module for found in norms.values() for module in found]
    needed = network.ancestors_of(index for index, found in norms.items() if found)
    skipped = {index: _nothing for index in norms if index not in needed}
    before = [(m.momentum, {name: t.clone() for name, t in m.state_dict().items()}) for m in modules]
    try:
        for module in modules:
            module.reset_running_stats()
            module.momentum = None  # a mean over all batches
            module.train()
        with torch.no_grad():
            for maps in batches:
                network.resume(change(maps), layer, overrides=skipped)
        for module in modules:
            module.eval()
        yield
    finally:
        for module, (momentum, state) in zip(modules, before, strict=True):
            module.momentum = momentum
            module.load_state_dict(state)
            module.eval()


def _nothing(module: nn.Module, *maps: Tensor) -> Tensor:
    """The map of a layer that no normalisation reads, which is not computed."""
    return maps[0].new_empty(0)
