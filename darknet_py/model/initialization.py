"""Random weights as AlexeyAB's Darknet draws them, from a seed."""

from __future__ import annotations

import torch
from torch import nn

from darknet_py.model.network import Network
from darknet_py.ops.learned import Learned


@torch.no_grad()
def initialise(network: Network, *, seed: int) -> None:
    """Fill a network: weights uniform in ±sqrt(2 / fan-in), biases 0, scales 1.

    The running mean and variance of batch normalisation start at 0 and 1; Darknet starts both at 0, which
    makes a network that was never trained divide by almost nothing. Other weights begin as their own module
    says.
    """
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            fan_in = module.weight[0].numel()
            uniform = torch.rand(module.weight.shape, generator=generator) * 2 - 1
            module.weight.copy_(uniform * (2 / fan_in) ** 0.5)
            if module.bias is not None:
                module.bias.zero_()
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()
        elif isinstance(module, Learned):
            module.initialise(generator)
