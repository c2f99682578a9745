"""The trainer of a plan, before its first update."""

from __future__ import annotations

import torch

from darknet_py.distributed.communicator import Communicator
from darknet_py.distributed.consistency import check_batch_split
from darknet_py.errors import UsageError
from darknet_py.model.network import Network
from darknet_py.train.compile_network import compile_network
from darknet_py.train.run.first_weights import load_first_weights
from darknet_py.train.schedule import check_schedule
from darknet_py.train.settings import TrainingPlan
from darknet_py.train.step import Trainer


def build_trainer(plan: TrainingPlan, communicator: Communicator) -> Trainer:
    """Build the network of a plan, with its first weights, on its device, and check that it can be trained.

    Raises:
        UsageError: when the cfg cannot be trained, or its batch cannot be split over the processes.
        DataError: when the data does not fit the network.
        WeightsError: when the weights to start from cannot be read.
    """
    net, settings = plan.graph.net, plan.settings
    if net.max_batches < 1:
        hint = "give --epochs N, or set max_batches"
        raise UsageError("[net] max_batches is 0, so there is nothing to train", hint=hint)
    check_schedule(net)
    check_batch_split(net, communicator.size)
    network = Network(plan.graph)
    load_first_weights(network, plan, first=communicator.first)
    network.to(settings.device).to(memory_format=torch.channels_last)
    trainer = Trainer(network, seed=plan.seed, precision=settings.precision, communicator=communicator)
    if settings.compiled:
        compile_network(network)
    for data in (plan.train, plan.val):
        trainer.task.check_data(data)
    return trainer
