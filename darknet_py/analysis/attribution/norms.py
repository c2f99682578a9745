"""Batch normalisations, adjusted to a change of what they read by unlabelled images.

Statistics of a few images differ from those of all training images: a network whose norms are just estimated
again loses AP by that alone. So they are estimated twice on the same images, before the change and after it;
the means of the weights are shifted by the difference, and the variances multiplied by the ratio. What the
draw of images adds to both cancels out, as in a control variate: Owen, "Monte Carlo theory, methods and
examples", 2013, section 8.9.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from darknet_py.analysis.attribution.kept_maps import MapBatch
from darknet_py.analysis.attribution.prefix import Maps
from darknet_py.model.network import Network

Statistics = list[tuple[Tensor, Tensor]]  # the mean and the variance of each norm, in the order of the layers


class AdjustedNorms:
    """The norms from a layer on, and the images by which they are adjusted to changes.

    Args:
        network: as it is.
        layer: the first that a change reaches.
        images: the maps that layers from `layer` on read, of unlabelled images; they are read several times.
    """

    def __init__(self, network: Network, layer: int, images: Iterable[MapBatch]) -> None:
        """Estimate the statistics of the network as it is."""
        self.layer, self.images = layer, images
        self.before = statistics_of(network, layer, (batch.maps for batch in images))

    @contextmanager
    def after(self, network: Network, change: Callable[[Maps], Maps]) -> Iterator[None]:
        """Within, the norms have the statistics of the weights, adjusted to a change.

        Args:
            network: has the norms of the first; other layers may differ.
            change: what becomes of the maps before.
        """
        after = statistics_of(network, self.layer, (change(batch.maps) for batch in self.images))
        adjusted = list(map(_adjusted, _norms(network, self.layer), self.before, after))
        with norms_with(network, self.layer, adjusted):
            yield


@contextmanager
def norms_with(network: Network, layer: int, statistics: Statistics) -> Iterator[None]:
    """Within, the norms from a layer on have these statistics."""
    norms = _norms(network, layer)
    own = _read(norms)
    _write(norms, statistics)
    try:
        yield
    finally:
        _write(norms, own)


def statistics_of(network: Network, layer: int, batches: Iterable[Maps]) -> Statistics:
    """The statistics that the norms from a layer on have for batches of maps, as torch's `update_bn`.

    All of them in one pass, in which each norm takes those of the batch; each batch counts equally. The
    network is afterwards as it was.
    """
    norms = _norms(network, layer)
    needed = network.ancestors_of(at for at in range(layer, len(network.layers)) if _inside(network, at))
    skipped = {at: _nothing for at in range(layer, len(network.layers)) if at not in needed}
    before = [(m.momentum, {name: t.clone() for name, t in m.state_dict().items()}) for m in norms]
    try:
        for module in norms:
            module.reset_running_stats()
            module.momentum = None  # a mean over all batches
            module.train()
        with torch.no_grad():
            for maps in batches:
                network.resume(maps, layer, overrides=skipped)
        return _read(norms)
    finally:
        for module, (momentum, state) in zip(norms, before, strict=True):
            module.momentum = momentum
            module.load_state_dict(state)
            module.eval()


def _adjusted(
    norm: nn.BatchNorm2d, before: tuple[Tensor, Tensor], after: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor]:
    """The statistics of a norm; epsilon bounds the ratio of variances near 0, as in the norm."""
    mean, variance = _statistics(norm)
    return mean + (after[0] - before[0]), variance * ((after[1] + norm.eps) / (before[1] + norm.eps))


def _norms(network: Network, layer: int) -> list[nn.BatchNorm2d]:
    return [norm for at in range(layer, len(network.layers)) for norm in _inside(network, at)]


def _inside(network: Network, layer: int) -> list[nn.BatchNorm2d]:
    return [module for module in network.layers[layer].modules() if isinstance(module, nn.BatchNorm2d)]


def _statistics(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    return norm.running_mean, norm.running_var


def _read(norms: Sequence[nn.BatchNorm2d]) -> Statistics:
    return [(mean.clone(), variance.clone()) for mean, variance in map(_statistics, norms)]


def _write(norms: Sequence[nn.BatchNorm2d], statistics: Statistics) -> None:
    for norm, (mean, variance) in zip(norms, statistics, strict=True):
        own_mean, own_variance = _statistics(norm)
        own_mean.copy_(mean)
        own_variance.copy_(variance)


def _nothing(module: nn.Module, *maps: Tensor) -> Tensor:
    """The map of a layer that no normalisation reads, which is not computed."""
    return maps[0].new_empty(0)
