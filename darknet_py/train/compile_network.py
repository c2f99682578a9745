"""torch.compile for the network of a training."""

from __future__ import annotations

import os
import shutil

import torch
import torch._dynamo.config

from darknet_py.errors import UsageError
from darknet_py.model.network import Network
from darknet_py.ops.keyed import Keyed

MAX_SIZES = 1000  # of inputs, each of which may be compiled separately; beyond it torch would raise


def compile_network(network: Network) -> None:
    """Compile the layers as one graph when they first run, and again for new sizes where torch must.

    Raises:
        UsageError: where layers draw random numbers, which depend on the iteration and would be compiled
            again in each, or where there is no C++ compiler for a CPU's code.
    """
    drawing = [
        node.name
        for node, module in zip(network.graph, network.layers, strict=True)
        if any(isinstance(part, Keyed) for part in module.modules())
    ]
    if drawing:
        more = f" and {len(drawing) - 3} more" if len(drawing) > 3 else ""
        message = "--compile: layers that draw random numbers cannot be compiled: "
        message += ", ".join(drawing[:3]) + more
        raise UsageError(message, hint="leave --compile out for this cfg")
    on_cpu = next(network.parameters()).device.type == "cpu"
    if on_cpu and not shutil.which(os.environ.get("CXX", "g++")):
        raise UsageError("--compile needs a C++ compiler on a CPU, and there is none", hint="install g++")
    torch._dynamo.config.recompile_limit = MAX_SIZES
    torch._dynamo.config.optimize_ddp = False  # it would cut the graph at the buckets of gradients
    network._run = torch.compile(network._run, fullgraph=True)  # type: ignore[method-assign]
