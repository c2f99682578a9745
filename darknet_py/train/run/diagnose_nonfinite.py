"""Where a loss or a gradient stopped being finite: which images, which layer, which head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from darknet_py.errors import NotFinite, quoted
from darknet_py.graph.graph import Graph
from darknet_py.model.prefix_maps import PrefixMaps
from darknet_py.train.run.batches import DeviceBatch
from darknet_py.train.step import Trainer

MAX_NAMES = 8


def diagnose_nonfinite(
    error: NotFinite, trainer: Trainer, batch: DeviceBatch, names: Sequence[str], iteration: int
) -> tuple[NotFinite, bool]:
    """The same error, with the first minibatch, the image names and the layer that it comes from.

    The batch is computed once more, in the same parts and with the same random draws; the state of the
    network stays as it was.

    Args:
        names: of the images.

    Returns:
        The error, and whether a layer was found: of several processes one has the images that it comes from.
    """
    images, part = batch.images, -(-len(batch.images) // trainer.net.subdivisions)
    for start in range(0, len(images), part):
        own, truths = slice(start, start + part), batch.truths.part(start, start + part)
        minibatch = DeviceBatch(images[own], truths, batch.samples[own])
        found = _first_nonfinite(trainer, minibatch, trainer.batch(images), iteration)
        if found:
            message = f"{error.message}; {found}, with {_listed(names[own])}"
            return NotFinite(message, hint=error.hint), True
    return NotFinite(f"{error.message}; with {_listed(names)}", hint=error.hint), False


def _first_nonfinite(trainer: Trainer, minibatch: DeviceBatch, batch: int, iteration: int) -> str:
    """Where a minibatch is first not finite, forward before backward; empty where all of it is finite."""
    network, kept = trainer.network, [buffer.clone() for buffer in trainer.network.buffers()]
    first: list[int] = []
    hooks = [module.register_forward_hook(_look(index, first)) for index, module in enumerate(network.layers)]
    trainer.optimizer.zero_grad(set_to_none=True)
    network.at(seed=trainer.seed, iteration=iteration, samples=minibatch.samples)
    try:
        found = trainer.backward(minibatch.images, minibatch.truths, batch=batch, iteration=iteration)
        images = minibatch.images
        if isinstance(images, PrefixMaps):
            for index, one in images.maps.items():
                if not torch.isfinite(one).all():
                    return f"the map of {network.graph[index].name} is not finite"
        elif not torch.isfinite(images).all():
            return "an image is not finite"
        if first:
            return f"the map of {network.graph[first[0]].name} is not finite"
        if not torch.isfinite(found.value):
            return f"the loss of {_heads(network.graph, found.deltas)} is not finite"
        wrong = [
            int(name.split(".")[1])
            for name, parameter in network.named_parameters()
            if parameter.grad is not None and not torch.isfinite(parameter.grad).all()
        ]
        return f"a gradient of {network.graph[max(wrong)].name} is not finite" if wrong else ""
    finally:
        trainer.optimizer.zero_grad(set_to_none=True)
        for hook in hooks:
            hook.remove()
        for buffer, value in zip(network.buffers(), kept, strict=True):
            buffer.copy_(value)


def _look(index: int, first: list[int]) -> Any:
    def look(module: nn.Module, inputs: Any, output: Tensor) -> None:
        if not first and not torch.isfinite(output).all():
            first.append(index)

    return look


def _heads(graph: Graph, deltas: Sequence[Tensor]) -> str:
    """The heads whose delta is not finite; all, or the classifier, where no delta shows it."""
    ends = graph.heads if graph.classifier is None else (graph.classifier,)
    wrong = [index for index, delta in zip(ends, deltas, strict=False) if not torch.isfinite(delta).all()]
    return " and ".join(graph[index].name for index in wrong or ends)


def _listed(names: Sequence[str]) -> str:
    some = ", ".join(quoted(name) for name in names[:MAX_NAMES])
    more = len(names) - MAX_NAMES
    return f"{'images' if len(names) > 1 else 'image'} {some}{f' and {more} more' if more > 0 else ''}"
