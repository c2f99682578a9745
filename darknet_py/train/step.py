"""One update: minibatches forward and backward, then Darknet's gradient descent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from darknet_py.errors import NotFinite, UsageError
from darknet_py.layers.convolutional import MOMENTUM
from darknet_py.network import Network
from darknet_py.train.classification import Classification
from darknet_py.train.detection import Detection
from darknet_py.train.objective import Objective
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
        groups = list(_groups(network))
        if not groups:
            raise UsageError("the network has no weights, so there is nothing to train")
        self.optimizer = torch.optim.SGD(groups, lr=0.0, momentum=self.net.momentum)

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
        for norm in self.norms:
            norm.momentum = running_momentum(iteration)
        self.optimizer.zero_grad(set_to_none=True)
        before = [buffer.clone() for buffer in self._running()]
        part = -(-len(images) // self.net.subdivisions)
        loss = torch.zeros((), device=images.device)
        for start in range(0, len(images), part):
            stop = start + part
            if samples:
                self.network.at(seed=self.seed, iteration=iteration, samples=samples[start:stop])
            with torch.autocast(images.device.type, self.precision, enabled=self.precision is not None):
                loss += self.objective.backward(images[start:stop], truths.part(start, stop), len(images))
        try:
            self._check(loss)
        except NotFinite:
            for buffer, value in zip(self._running(), before, strict=True):
                buffer.copy_(value)
            raise
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["lr_scale"]
        self.optimizer.step()
        return float(loss)

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


def running_momentum(iteration: int) -> float:
    """How far batch normalisation's running statistics move in an iteration.

    Darknet's 0.01 forgets the first batches after hundreds of iterations only, so it comes down to that from
    1: the statistics average about the last tenth of the iterations so far.
    """
    return max(MOMENTUM, 10 / (10 + iteration))


def _groups(network: Network) -> Iterator[dict[str, Any]]:
    """Parameters by learning-rate scale, and by whether they decay: weights do, biases and scales do not."""
    for node, module in zip(network.graph, network.layers, strict=True):
        arrays = [p for p in module.parameters() if isinstance(p, nn.Parameter)]
        for decays in (True, False):
            chosen = [p for p in arrays if (p.dim() > 1) == decays]
            if chosen:
                decay = network.graph.net.decay if decays else 0.0
                yield {"params": chosen, "weight_decay": decay, "lr_scale": node.layer.learning_rate}
