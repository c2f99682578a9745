"""The engine `torch`: the torch modules of the graph, made ready for inference."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from darknet_py.arithmetic.shape import Shape
from darknet_py.engines.base import Floats
from darknet_py.engines.torch_convolution import Step, convolution
from darknet_py.graph.executable import must_run
from darknet_py.graph.graph import Graph
from darknet_py.graph.lifetime import last_uses
from darknet_py.model.network import Network
from darknet_py.model.rewriting import rewritten
from darknet_py.ops.block import ConvBlock


class TorchEngine:
    """Runs a Network with the weights that it has now: convolutions get copies of them, made ready to run.

    Args:
        network: it is moved to the device, and put in evaluation mode at each call.
        device: `cpu`, `cuda`, `cuda:1` or `mps`.
    """

    name = "torch"

    def __init__(self, network: Network, device: str = "cpu") -> None:
        """Fold and pack the convolutions, and lay out channels last."""
        self.graph: Graph = network.graph
        self.device = device
        self.network = network.to(device)
        stop = len(self.graph) if self.graph.classifier is None else self.graph.classifier
        plan = rewritten(must_run(self.graph))
        with torch.inference_mode():
            steps = [_step(m, node.maps) for m, node in zip(network.layers[:stop], plan, strict=False)]
        self._steps = list(zip(plan[:stop], steps, last_uses(plan), strict=False))

    def __call__(self, images: Floats) -> list[Floats]:
        """See `Engine.__call__`."""
        self.network.eval()
        inputs = torch.from_numpy(np.require(images, np.float32, "W")).to(self.device)
        with torch.inference_mode():
            maps: dict[int, Tensor] = {-1: inputs.contiguous(memory_format=torch.channels_last)}
            for node, step, unused in self._steps:
                maps[node.index] = step(*(maps[index] for index in node.inputs))
                for index in unused:
                    del maps[index]
            return [maps[index].float().cpu().numpy() for index in self.graph.raw_outputs]


def engine_of_copy(network: Network, device: str) -> TorchEngine:
    """An engine that runs a copy: the network itself keeps its mode, its device and its layout."""
    return TorchEngine(copy.deepcopy(network), device)


def _step(module: torch.nn.Module, maps: Sequence[Shape]) -> Step:
    return convolution(module, maps[0]) if type(module) is ConvBlock else module
