"""Where a loss or a gradient stopped being finite: which images, which layer, which head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from darknet_py.errors import NotFinite, quoted
from darknet_py.graph.graph import Graph
from darknet_py.losses.truths import Truths
from darknet_py.train.step import Trainer

MOST_NAMES = 8


def blamed(
    error: NotFinite,
    trainer: Trainer,
    images: Tensor,
    truths: Truths,
    names: Sequence[str],
    iteration: int,
    samples: Sequence[int],
) -> tuple[NotFinite, bool]:
    """The same error, told with the first minibatch, image names and layer that it comes from.

    The batch is computed once more, in the same parts and with the same random draws; the state of the
    network stays as it was.

    Returns:
        The error, and whether a layer was found: of several processes one has the images that it comes from.
    """
    part = -(-len(images) // trainer.net.subdivisions)
    for start in range(0, len(images), part):
        here = slice(start, start + part)
        trainer.network.at(seed=trainer.seed, iteration=iteration, samples=samples[here])
        place = _place(
            trainer, images[here], truths.part(start, start + part), trainer.batch(images), iteration
        )
        if place:
            return NotFinite(f"{error.message}; {place}, with {_listed(names[here])}", hint=error.hint), True
    return NotFinite(f"{error.message}; with {_listed(names)}", hint=error.hint), False


def _place(trainer: Trainer, images: Tensor, truths: Truths, batch: int, iteration: int) -> str:
    """Where a minibatch first goes wrong, forward before backward; nothing where it does not."""
    network, kept = trainer.network, [buffer.clone() for buffer in trainer.network.buffers()]
    first: list[int] = []
    hooks = [module.register_forward_hook(_look(index, first)) for index, module in enumerate(network.layers)]
    trainer.optimizer.zero_grad(set_to_none=True)
    try:
        found = trainer.backward(images, truths, batch=batch, iteration=iteration)
        if not torch.isfinite(images).all():
            return "an image is not finite"
        if first:
            return f"the map of {network.graph[first[0]].name} is not finite"
        if not torch.isfinite(found.value):
            return f"the loss of {_head(trainer.network.graph, found.deltas)} is not finite"
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


def _head(graph: Graph, deltas: Sequence[Tensor]) -> str:
    """The heads whose delta is not finite; all, or the classifier, where no delta shows it."""
    ends = graph.heads if graph.classifier is None else (graph.classifier,)
    wrong = [index for index, delta in zip(ends, deltas, strict=False) if not torch.isfinite(delta).all()]
    return " and ".join(graph[index].name for index in wrong or ends)


def _listed(names: Sequence[str]) -> str:
    some = ", ".join(quoted(name) for name in names[:MOST_NAMES])
    more = len(names) - MOST_NAMES
    return f"{'images' if len(names) > 1 else 'image'} {some}{f' and {more} more' if more > 0 else ''}"
