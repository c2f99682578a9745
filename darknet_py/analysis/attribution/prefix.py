"""Maps of some layers of a network in evaluation: by onnxruntime, which is faster, or else by torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch

from darknet_py.cfg.diagnostics import CfgError
from darknet_py.engines.onnxruntime_engine import OnnxRuntimeEngine
from darknet_py.engines.packages import library
from darknet_py.engines.threads import MOST_CALLERS, callers_for
from darknet_py.errors import UsageError
from darknet_py.export.onnx_graph import OnnxNetwork, onnx_graph
from darknet_py.model.adapt.parameters import named_arrays
from darknet_py.model.network import Network
from darknet_py.ops.cells import Floats

Maps = dict[int, torch.Tensor]  # (N, C, H, W) by index of the layer, -1 the images
MapsOf = Callable[[Floats], Maps]


def maps_function(network: Network, layers: Sequence[int]) -> tuple[MapsOf, int]:
    """A function of images (N, C, H, W) that computes the maps of some layers, -1 the images themselves.

    The maps are channels last, for torch computes what reads them.

    Returns: the function, and how many threads may call it at once.
    """
    wanted = [at for at in layers if at >= 0]
    if not wanted or any(parameter.device.type != "cpu" for parameter in network.parameters()):
        return _by_torch(network, layers), 1
    try:
        library("onnxruntime")
        arrays = {
            node.index: {name: one.numpy().copy() for name, one in named_arrays(network, node).items()}
            for node in network.graph
        }
        whole = onnx_graph(network.graph, arrays, outputs=wanted, fixed=True, in_place=True)
    except (CfgError, UsageError):  # a layer without an ONNX form, or no onnxruntime
        return _by_torch(network, layers), 1
    engine = OnnxRuntimeEngine(network.graph, needed_part(whole), callers_for(MOST_CALLERS))

    def maps(images: Floats) -> Maps:
        found = dict(zip(wanted, map(_channels_last, engine(images)), strict=True))
        return found | {-1: _channels_last(images)} if -1 in layers else found

    return maps, engine.callers


def needed_part(network: OnnxNetwork) -> OnnxNetwork:
    """The nodes and weights that its outputs need: onnxruntime would compute all."""
    needed, nodes = set(network.outputs), []
    for node in reversed(network.nodes):
        if needed.intersection(node.outputs):
            needed.update(node.inputs)
            nodes.append(node)
    weights = {name: one for name, one in network.weights.items() if name in needed}
    constants = {name: one for name, one in network.constants.items() if name in needed}
    return replace(network, nodes=nodes[::-1], weights=weights, constants=constants)


def _by_torch(network: Network, layers: Sequence[int]) -> MapsOf:
    def maps(images: Floats) -> Maps:
        with torch.inference_mode():
            return network.maps_of(_channels_last(images), layers)

    return maps


def _channels_last(values: Floats) -> torch.Tensor:
    return torch.from_numpy(np.require(values, np.float32, "W")).contiguous(memory_format=torch.channels_last)
