"""The maps before a layer, of every image of a data set: computed once, and kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from threading import Event

import numpy as np
import torch

from darknet_py.analysis.attribution.prefix import Maps, maps_function
from darknet_py.data.dataset import Dataset
from darknet_py.model.network import Network
from darknet_py.predict.batch_detector import fitted_images
from darknet_py.predict.letterbox import Fit, fit_for
from darknet_py.predict.overlap import lists_of, overlapped, side_by_side

BATCH = 16  # images
AT_ONCE = 4  # images that the layers before see together: larger maps do not fit into a processor's cache
READERS = 2  # threads
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
        self.maps_of, self.callers = maps_function(network, self.layers)
        graph = network.graph
        floats = sum((graph.image if at < 0 else graph[at].shape).floats for at in self.layers)
        self.kept: list[MapBatch] | None = [] if 4 * floats * count <= limit else None

    def __iter__(self) -> Iterator[MapBatch]:
        """The batches, in the order of the images."""
        if self.kept:
            yield from self.kept
            return
        found = []
        for batch in self._computed():
            if self.kept is not None:
                found.append(batch)
            yield batch
        if self.kept is not None:
            self.kept = found

    def _computed(self) -> Iterator[MapBatch]:
        """The batches; threads read images, and others compute their maps."""
        stop = Event()
        read = overlapped(self._read, range(self.count), workers=READERS, ahead=BATCH, stop=stop)
        with closing(read):
            parts = side_by_side(self._part, lists_of(read, AT_ONCE), callers=self.callers, stop=stop)
            with closing(parts):
                for together in lists_of(parts, BATCH // AT_ONCE):
                    yield _joined(together)

    def _read(self, index: int) -> tuple[int, np.ndarray]:
        return index, self.dataset.pixels(index)

    def _part(self, images: Sequence[tuple[int, np.ndarray]]) -> MapBatch:
        """The maps of some images, fitted to the network's input."""
        net = self.network.graph.net
        indices, pixels = zip(*images, strict=True)
        fits = tuple(fit_for(net, one.shape[:2]) for one in pixels)
        return MapBatch(indices, fits, self.maps_of(fitted_images(net, pixels, fits)))


def _joined(parts: Sequence[MapBatch]) -> MapBatch:
    return MapBatch(
        tuple(index for part in parts for index in part.indices),
        tuple(fit for part in parts for fit in part.fits),
        {layer: torch.cat([part.maps[layer] for part in parts]) for layer in parts[0].maps},
    )
