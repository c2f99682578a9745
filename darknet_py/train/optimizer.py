"""Darknet's gradient descent, or Adam, as `[net]` asks for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from darknet_py.layers.net import Net
from darknet_py.model.network import Network


def optimizer_of(net: Net, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
    """Gradient descent with momentum, or Adam, which also decays biases and scales.

    Darknet adds epsilon to the root of gradients summed over the batch, torch to that of their mean.
    """
    if not net.adam:
        return torch.optim.SGD(groups, lr=0.0, momentum=net.momentum)
    if net.decoupled_decay:
        return torch.optim.AdamW(groups, lr=0.0, betas=(net.B1, net.B2), eps=net.eps / net.batch)
    everything = [{**group, "weight_decay": net.decay} for group in groups]
    return torch.optim.Adam(everything, lr=0.0, betas=(net.B1, net.B2), eps=net.eps / net.batch)


@torch.no_grad()
def clip_weights(network: Network) -> None:
    """Clamp the weights of layers that have `clip` between its negative and it; frozen ones stay."""
    for node, module in zip(network.graph, network.layers, strict=True):
        for weight in module.parameters() if node.layer.clip else ():
            if weight.dim() > 1 and weight.requires_grad:
                weight.clamp_(-node.layer.clip, node.layer.clip)


def parameter_groups(network: Network) -> Iterator[dict[str, Any]]:
    """Parameter groups by learning-rate scale and weight decay: weights decay, biases and scales do not."""
    for node, module in zip(network.graph, network.layers, strict=True):
        arrays = [p for p in module.parameters() if isinstance(p, nn.Parameter)]
        for decays in (True, False):
            chosen = [p for p in arrays if (p.dim() > 1) == decays]
            if chosen:
                decay = network.graph.net.decay if decays else 0.0
                yield {"params": chosen, "weight_decay": decay, "lr_scale": node.layer.learning_rate}
