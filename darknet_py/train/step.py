"""One update: minibatches forward and backward, then Darknet's gradient descent, or Adam."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from darknet_py.errors import NotFinite, UsageError
from darknet_py.graph.graph import Graph
from darknet_py.layers.convolutional import MOMENTUM
from darknet_py.network import Network
from darknet_py.train.classification import Classification
from darknet_py.train.detection import Detection
from darknet_py.train.ema import average_of
from darknet_py.train.objective import Objective
from darknet_py.train.optimizer import groups_of, optimizer_of
from darknet_py.train.truths import Truths

PRECISIONS = {"float32": None, "bfloat16": torch.bfloat16}  # of activations; weights and losses stay float32


class Trainer:
    """A network and its optimiser, updated batch by batch.

    Gradients are summed over the images of a batch, and the learning rate is divided by their number; weights
    decay, biases and scales do not. torch's SGD on the gradient over B is the same arithmetic.
    """

    def __init__(self, network: Network, *, seed: int = 0, precision: str = "float32") -> None:
        self.network, self.net, self.seed = network, network.graph.net, seed
        self.objective = objective_of(network)
        self.precision = PRECISIONS[precision]
        self.norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
        groups = list(groups_of(network))
        frozen = frozen_layers(network.graph, self.net.max_batches)
        if not any(True for module in network.layers[frozen:] for _ in module.parameters()):
            what = "all weights are frozen by stopbackward" if groups else "the network has no weights"
            raise UsageError(f"{what}, so there is nothing to train")
        self.optimizer = optimizer_of(self.net, groups)
        self.ema = average_of(network)

    def step(
        self, images: Tensor, truths: Truths, *, rate: float, iteration: int = 0, samples: Sequence[int] = ()
    ) -> float:
        """Train on one batch.

        Args:
            images: (N, 3, H, W) in 0..1, N the cfg's `batch` or fewer; computed in `subdivisions` parts.
            rate: the learning rate of this iteration.
            iteration: its number, from 1; with `samples` it keys the draws of random layers.
            samples: which image of the data set each image is.

        Returns:
            The loss as Darknet prints it.

        Raises:
            NotFinite: when the loss or a gradient is NaN or infinite; nothing has been updated.
        """
        self.network.train()
        self._freeze(iteration)
        for norm in self.norms:
            norm.momentum = running_momentum(iteration)
        self.optimizer.zero_grad(set_to_none=True)
        before = [buffer.clone() for buffer in self._running()]
        loss = self._gradients(images, truths, iteration, samples)
        try:
            self._check(loss)
        except NotFinite:
            for buffer, value in zip(self._running(), before, strict=True):
                buffer.copy_(value)
            raise
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["lr_scale"]
        self.optimizer.step()
        if self.ema is not None:
            self.ema.after(self.network, iteration)
        return float(loss)

    def _freeze(self, iteration: int) -> None:
        """Layers up to the last `stopbackward` that holds now: no gradient, statistics as they are.

        Darknet still lets the weights of the layer that says so decay; here they rest with the others.
        """
        frozen = frozen_layers(self.network.graph, iteration)
        for index, module in enumerate(self.network.layers):
            module.requires_grad_(index >= frozen)
            if index < frozen:
                module.eval()

    def _gradients(self, images: Tensor, truths: Truths, iteration: int, samples: Sequence[int]) -> Tensor:
        """The loss; the gradients of all parts are summed."""
        part = -(-len(images) // self.net.subdivisions)
        loss = torch.zeros((), device=images.device)
        for start in range(0, len(images), part):
            stop = start + part
            if samples:
                self.network.at(seed=self.seed, iteration=iteration, samples=samples[start:stop])
            with torch.autocast(images.device.type, self.precision, enabled=self.precision is not None):
                loss += self.objective.backward(images[start:stop], truths.part(start, stop), len(images))
        return loss

    def averaged(self) -> Network | None:
        """The network with averaged weights; None where there is no average."""
        return self.ema.of(self.network) if self.ema is not None and self.ema.n_averaged else None

    def scored(self) -> Network:
        """The network whose figures count, and whose weights are kept: with `ema_decay` the average."""
        return (self.averaged() if self.ema is not None and self.ema.scored else None) or self.network

    def _running(self) -> list[Tensor]:
        """Batch normalisation's running statistics, which a forward pass moves."""
        return [buffer for norm in self.norms for buffer in (norm.running_mean, norm.running_var)]

    def _check(self, loss: Tensor) -> None:
        if not torch.isfinite(loss):
            raise NotFinite(
                "the loss is not finite; training stopped before the update",
                hint="a lower learning_rate may help",
            )
        for name, parameter in self.network.named_parameters():
            if parameter.grad is not None and not torch.isfinite(parameter.grad.sum()):
                layer = self.network.graph[int(name.split(".")[1])].name
                raise NotFinite(f"a gradient of {layer} is not finite; training stopped before the update")


def objective_of(network: Network) -> Objective:
    """What a network is trained for, by what it ends in.

    Raises:
        UsageError: when it ends in neither [yolo] heads nor [softmax].
    """
    return Classification(network) if network.graph.classifier is not None else Detection(network)


def frozen_layers(graph: Graph, iteration: int) -> int:
    """How many layers, from the first on, are not trained in an iteration."""
    stops = ((node.index, node.layer.stopbackward) for node in graph)
    return max((index + 1 for index, until in stops if until == 1 or iteration < until), default=0)


def running_momentum(iteration: int) -> float:
    """How far batch normalisation's running statistics move in an iteration.

    Darknet's 0.01 forgets the first batches after hundreds of iterations only, so it comes down to that from
    1: the statistics average about the last tenth of the iterations so far.
    """
    return max(MOMENTUM, 10 / (10 + iteration))
