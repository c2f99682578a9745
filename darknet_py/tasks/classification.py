"""Classification: the cross entropy of the last [softmax], top-1 and top-5."""

from __future__ import annotations

import torch

from darknet_py.data.augment.base import Augment
from darknet_py.data.augment.classification import ClassifierAugmentation
from darknet_py.data.dataset import Dataset
from darknet_py.distributed.communicator import Communicator
from darknet_py.engines.torch_engine import engine_of_copy
from darknet_py.graph.graph import Graph
from darknet_py.losses.classification import cross_entropy
from darknet_py.losses.truths import Truths
from darknet_py.model.network import Network
from darknet_py.model.prefix_maps import Inputs
from darknet_py.progress import Progress, no_progress
from darknet_py.tasks.base import EvaluationSettings, MinibatchLoss, Task
from darknet_py.tasks.classification_evaluation import (
    ClassificationEvaluation,
    check_classifier,
    check_labels,
    evaluate_classifier,
)


class ClassificationTask(Task):
    """Networks that end in [softmax]."""

    name = "classification"

    def __init__(self, graph: Graph) -> None:
        super().__init__(graph)
        check_classifier(graph)

    def check_data(self, dataset: Dataset) -> None:
        """Check for labels, of as many classes as the network has."""
        check_labels(self.graph, dataset)

    def augmentation(self) -> Augment:
        """As [net] describes it."""
        return ClassifierAugmentation.of(self.graph.net)

    def loss(
        self, network: Network, images: Inputs, truths: Truths, *, batch: int, seen: int = 0
    ) -> MinibatchLoss:
        """Cross entropy, summed over the images and divided by the batch."""
        logits = network.logits(images)
        smoothing = self.graph.net.label_smooth_eps
        loss = cross_entropy(logits, truths.labels, truths.shares, smoothing=smoothing) / batch
        return MinibatchLoss(loss.detach(), [loss], [torch.ones_like(loss)])

    def evaluate(
        self,
        network: Network,
        dataset: Dataset,
        settings: EvaluationSettings | None = None,
        *,
        progress: Progress = no_progress,
        communicator: Communicator | None = None,
    ) -> ClassificationEvaluation:
        """Top-1 and top-5; and top-1 of training images, where the settings have any."""
        settings = settings or EvaluationSettings()
        engine = (settings.runs or engine_of_copy)(network, settings.device)
        return evaluate_classifier(engine, dataset, settings, progress=progress, communicator=communicator)
