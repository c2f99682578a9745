"""The maps before a layer, of every image of a data set: computed once, and kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from darknet_py.analysis.attribution.prefix import Maps, maps_function
from darknet_py.data.dataset import Dataset
from darknet_py.data.images.channels import in_channels
from darknet_py.model.network import Network
from darknet_py.predict.letterbox import Fit, fit_for

BATCH = 16  # images
AT_ONCE = 4  # images that the layers before see together: larger maps do not fit into a processor's cache
LIMIT = 1 << 30  # bytes; maps that would need more are computed anew each time


@dataclass(frozen=True)
class MapBatch:
    """Some images.

    Args:
        indices: in the data set.
        fits: how each is fitted to the network's input.
    """

    indices: tuple[int, ...]
    fits: tuple[Fit, ...]
    maps: Maps


class KeptMaps:
    """Maps of the first images of a data set, batch by batch, as often as they are asked for.

    Args:
        layers: whose maps are kept, -1 the images.
        count: how many images.
        limit: bytes that are kept.
    """

    def __init__(
        self, network: Network, dataset: Dataset, layers: Sequence[int], *, count: int, limit: int = LIMIT
    ) -> None:
        self.network, self.dataset, self.layers, self.count = network, dataset, tuple(layers), count
        self.maps_of = maps_function(network, self.layers)
        graph = network.graph
        floats = sum((graph.image if at < 0 else graph[at].shape).floats for at in self.layers)
        self.kept: list[MapBatch] | None = [] if 4 * floats * count <= limit else None

    def __iter__(self) -> Iterator[MapBatch]:
        """The batches, in the order of the images."""
        if self.kept:
            yield from self.kept
            return
        found = []
        for start in range(0, self.count, BATCH):
            batch = self._computed(tuple(range(start, min(start + BATCH, self.count))))
            if self.kept is not None:
                found.append(batch)
            yield batch
        if self.kept is not None:
            self.kept = found

    def _computed(self, indices: tuple[int, ...]) -> MapBatch:
        net = self.network.graph.net
        pixels = [in_channels(self.dataset.pixels(index), net.channels) for index in indices]
        fits = tuple(fit_for(net, one.shape[:2]) for one in pixels)
        fitted = [fit.apply(one) for fit, one in zip(fits, pixels, strict=True)]
        parts = [self.maps_of(np.stack(fitted[at : at + AT_ONCE])) for at in range(0, len(fitted), AT_ONCE)]
        return MapBatch(
            indices, fits, {layer: torch.cat([part[layer] for part in parts]) for layer in parts[0]}
        )
