"""One update: minibatches forward and backward, then Darknet's gradient descent, or Adam."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from darknet_py.distributed.communicator import Communicator
from darknet_py.distributed.gradient_sync import GradientSync
from darknet_py.errors import NotFinite, UsageError
from darknet_py.losses.truths import Truths
from darknet_py.model.network import Network
from darknet_py.model.prefix_maps import Inputs
from darknet_py.ops.block import MOMENTUM
from darknet_py.tasks.base import MinibatchLoss
from darknet_py.tasks.selection import task_of
from darknet_py.train.ema import average_of
from darknet_py.train.freezing import detach_onlyforward, frozen_count, trainable_layers
from darknet_py.train.optimizer import clip_weights, optimizer_of, parameter_groups
from darknet_py.train.precision import DTYPES, LossScaler


@dataclass(frozen=True)
class StepOutput:
    """The numbers of one update.

    Args:
        loss: of the batch, as Darknet prints it.
        deltas: -dLoss/d(map) of each head at the last minibatch; none where the loss does not give them.
        updated: False where gradients of float16 overflowed, and the update was skipped.
    """

    loss: float
    deltas: tuple[Tensor, ...] = ()
    updated: bool = True


class Trainer:
    """A network and its optimiser, updated batch by batch.

    Gradients are summed over the images of a batch, and the learning rate is divided by their number; weights
    decay, biases and scales do not. torch's SGD on the gradient over B is the same arithmetic.

    Of several processes each has a share of the batch. Gradients are summed over all of them, and running
    statistics are the mean, so that after an update all hold the same bits.
    """

    def __init__(
        self,
        network: Network,
        *,
        seed: int = 0,
        precision: str = "float32",
        communicator: Communicator | None = None,
    ) -> None:
        self.network, self.net, self.seed = network, network.graph.net, seed
        self.communicator = communicator or Communicator()
        self.task = task_of(network.graph)
        self.precision = DTYPES[precision]
        self.norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
        groups = list(parameter_groups(network))
        trainable = trainable_layers(network.graph, self.net.max_batches)
        if not any(True for index in trainable for _ in network.layers[index].parameters()):
            keys = "all weights are frozen, by stopbackward, onlyforward, train_only_bn or dont_update"
            what = keys if groups else "the network has no weights"
            raise UsageError(f"{what}, so there is nothing to train")
        detach_onlyforward(network)
        self.scaler = LossScaler(self.device.type, precision)
        self.optimizer = optimizer_of(self.net, groups)
        self.ema = average_of(network)
        at_last = trainable_layers(network.graph, sys.maxsize)
        for index, layer in enumerate(network.layers):
            layer.requires_grad_(index in at_last)
        self.sync = GradientSync(network, partial(self.task.loss, network), self.communicator)

    def step(
        self, images: Inputs, truths: Truths, *, rate: float, iteration: int = 0, samples: Sequence[int] = ()
    ) -> StepOutput:
        """Train on one batch.

        Args:
            images: (N, C, H, W) in 0..1, or their maps before a layer; N the cfg's `batch` or fewer, or this
                process's share of it; computed in `subdivisions` parts.
            rate: the learning rate of this iteration.
            iteration: its number, from 1; with `samples` it seeds the stochastic layers.
            samples: which image of the data set each image is.

        Raises:
            NotFinite: when the loss or a gradient is NaN or infinite; nothing has been updated.
            PeerFailed: when another process failed in this step; nothing has been updated.
        """
        self._prepare(iteration)
        self.optimizer.zero_grad(set_to_none=True)
        before = [buffer.clone() for buffer in self._running()]
        (loss, deltas), updated = self._summed(images, truths, iteration, samples), False
        try:
            self._check(loss)
            for group in self.optimizer.param_groups:
                group["lr"] = rate * group["lr_scale"]
            updated = self.scaler.step(self.optimizer)
        finally:
            if not updated:
                for buffer, value in zip(self._running(), before, strict=True):
                    buffer.copy_(value)
        if updated:
            clip_weights(self.network)
            self.communicator.mean(self._running())
            if self.ema is not None:
                self.ema.update(self.network, iteration)
        return StepOutput(float(loss), deltas, updated)

    def _prepare(self, iteration: int) -> None:
        """Frozen layers have no gradient; up to the last `stopbackward` their statistics are frozen too."""
        self.network.train()
        for norm in self.norms:
            norm.momentum = running_momentum(iteration)
        graph = self.network.graph
        trainable, frozen = trainable_layers(graph, iteration), frozen_count(graph, iteration)
        for index, module in enumerate(self.network.layers):
            module.requires_grad_(index in trainable)
            if index < frozen:
                module.eval()
        if self.net.frozen_bn:
            for norm in self.norms:
                norm.eval()

    def _summed(
        self, images: Inputs, truths: Truths, iteration: int, samples: Sequence[int]
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The loss of the batch and the deltas of the last minibatch; gradients are those of the batch."""
        try:
            loss, deltas = self._gradients(images, truths, iteration, samples)
        except Exception as error:
            self.sync.abandon(error)
            raise
        return self.sync.finish(loss), deltas

    def _gradients(
        self, images: Inputs, truths: Truths, iteration: int, samples: Sequence[int]
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """This process's part of the loss, and its last deltas; gradients of minibatches are summed."""
        part, batch = -(-len(images) // self.net.subdivisions), self.batch(images)
        loss, deltas = torch.zeros((), device=images.device), tuple[Tensor, ...]()
        for start in range(0, len(images), part):
            stop = start + part
            if samples:
                self.network.at(seed=self.seed, iteration=iteration, samples=samples[start:stop])
            if stop >= len(images):
                self.sync.begin()
            found = self.backward(
                images[start:stop], truths.part(start, stop), batch=batch, iteration=iteration
            )
            loss, deltas = loss + found.value, found.deltas
        return loss, deltas

    def backward(self, images: Inputs, truths: Truths, *, batch: int, iteration: int) -> MinibatchLoss:
        """Forward and backward of one minibatch; its gradients are added to those of the parameters.

        Args:
            batch: images of the batch that it is part of.
        """
        with torch.autocast(images.device.type, self.precision, enabled=self.precision is not None):
            found = self.sync(images, truths, batch=batch, seen=iteration * self.net.batch)
            scaled = {
                output: self.scaler.scale(gradient).to(output.dtype)
                for output, gradient in zip(found.outputs, found.gradients, strict=True)
                if output.requires_grad  # of heads among the frozen layers it is not
            }
            torch.autograd.backward(list(scaled), list(scaled.values()))
        return found

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.network.parameters()).device

    def batch(self, images: Inputs) -> int:
        """How many images a batch has of which these are this process's."""
        return len(images) * self.communicator.size

    def averaged(self) -> Network | None:
        """The network with averaged weights; None where there is no average."""
        return self.ema.averaged(self.network) if self.ema is not None and self.ema.n_averaged else None

    def scored(self) -> Network:
        """The network whose figures count, and whose weights are kept: with `ema_decay` the average."""
        return (self.averaged() if self.ema is not None and self.ema.evaluated else None) or self.network

    def _running(self) -> list[Tensor]:
        """Batch normalisation's running statistics that a forward pass moves."""
        moved = [norm for norm in self.norms if norm.training]
        buffers = (buffer for norm in moved for buffer in (norm.running_mean, norm.running_var))
        return [buffer for buffer in buffers if buffer is not None]

    def _check(self, loss: Tensor) -> None:
        if not torch.isfinite(loss):
            raise NotFinite(
                "the loss is not finite; training stopped before the update",
                hint="a lower learning_rate may help",
            )
        if self.scaler.enabled:
            return  # gradients that overflow are left out by it
        for name, parameter in self.network.named_parameters():
            if parameter.grad is not None and not torch.isfinite(parameter.grad.sum()):
                layer = self.network.graph[int(name.split(".")[1])].name
                raise NotFinite(f"a gradient of {layer} is not finite; training stopped before the update")


def running_momentum(iteration: int) -> float:
    """How far batch normalisation's running statistics move in an iteration.

    Darknet's 0.01 forgets the first batches after hundreds of iterations only, so it comes down to that from
    1: the statistics average about the last tenth of the iterations so far.
    """
    return max(MOMENTUM, 10 / (10 + iteration))
