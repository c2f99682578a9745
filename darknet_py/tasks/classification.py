"""Training for classes: the cross entropy of the last [softmax], top-1 and top-5."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from darknet_py.data.augment.classification import ClassifierAugmentation
from darknet_py.data.dataset import Dataset
from darknet_py.data.loader.collate import Augment
from darknet_py.distributed.communicator import Communicator
from darknet_py.losses.truths import Truths
from darknet_py.model.network import Network
from darknet_py.scoring.classification import Accuracy, check_classifier, check_labelled, classify
from darknet_py.tasks.base import Objective, Scored


class Classification(Objective):
    """Networks that end in [softmax]."""

    task = "classification"

    def __init__(self, network: Network) -> None:
        super().__init__(network)
        check_classifier(network.graph)

    def check(self, dataset: Dataset) -> None:
        """Labels, as many classes as the network has."""
        check_labelled(self.graph, dataset)

    def augment(self) -> Augment:
        """As [net] says."""
        return ClassifierAugmentation.of(self.graph.net)

    def backward(self, images: Tensor, truths: Truths, batch: int) -> Tensor:
        """Cross entropy, summed over the images and divided by the batch."""
        logits = self.network.logits(images)
        smoothing = self.graph.net.label_smooth_eps
        loss = cross_entropy(logits, truths.labels, truths.shares, smoothing=smoothing) / batch
        self.scale(loss).backward()
        return loss.detach()

    def score(
        self, network: Network, val: Dataset, train: Dataset, *, device: str, communicator: Communicator
    ) -> Scored:
        """Top-1 and top-5, and top-1 of as many training images."""
        return Classes(classify(network, val, train=train, device=device, communicator=communicator))


def cross_entropy(logits: Tensor, labels: Tensor, shares: Tensor, *, smoothing: float = 0.0) -> Tensor:
    """Sum over images of -sum(t log p), in float32 at least.

    Darknet's smoothing gives each of the other K - 1 classes smoothing / (K - 1) of a label's share.

    Args:
        logits: (N, K).
        labels: (N, T), class indices; -1 where there is none.
        shares: (N, T), of each label in the truth; they add up to 1 for each image.
    """
    exact = logits if logits.dtype == torch.float64 else logits.float()
    logp = exact.log_softmax(dim=1)
    others = logits.shape[1] - 1
    given = shares.to(logp.dtype) * (labels >= 0)
    truth = torch.zeros_like(logp).scatter_add(1, labels.clamp(min=0), given)
    if smoothing and others:
        truth = truth * (1 - smoothing) + (1 - truth) * (smoothing / others)
    return -(truth * logp).sum()


@dataclass(frozen=True)
class Classes(Scored):
    """Accuracy and the predictions behind it."""

    accuracy: Accuracy

    def to_json(self) -> dict[str, Any]:
        """The figures alone."""
        return self.accuracy.to_json()

    def curve(self) -> dict[str, float | None]:
        """Top-1 of validation and of training images."""
        return {"top1": self.accuracy.top1, "train_top1": self.accuracy.train_top1}

    def figure(self) -> float:
        """Top-1 of validation."""
        return self.accuracy.top1 or 0.0

    def files(self) -> dict[str, Any]:
        """The predicted classes."""
        return {"predictions.json": self.accuracy.predictions}
