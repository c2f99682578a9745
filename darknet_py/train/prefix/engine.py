"""A network evaluated from the kept maps of its frozen layers."""

from __future__ import annotations

import copy

import numpy as np
import torch

from darknet_py.engines.base import Floats
from darknet_py.model.network import Network
from darknet_py.train.prefix.keeper import MapKeeper


class PrefixEngine:
    """Runs the layers behind the frozen ones; a copy of the network, with the weights that it has now.

    Args:
        keeper: of the frozen layers, which are the same in the network.
    """

    name = "torch"

    def __init__(self, network: Network, device: str, keeper: MapKeeper) -> None:
        self.graph, self.device, self.keeper = network.graph, device, keeper
        self.network = copy.deepcopy(network).to(device).eval()

    def __call__(self, images: Floats) -> list[Floats]:
        """See `Engine.__call__`."""

        def ready(number: int) -> torch.Tensor:
            image = torch.from_numpy(np.require(images[number : number + 1], np.float32, ["C", "W"]))
            return image.to(self.device).contiguous(memory_format=torch.channels_last)

        maps = self.keeper([*map(self.keeper.content_of, images)], ready, images.shape[1:])
        with torch.inference_mode():
            return [one.float().cpu().numpy() for one in self.network.raw_maps(maps)]
