"""A classifier evaluated on a data set, by one process or several: top-1, top-5, the loss, the confusion."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from darknet_py.data.dataset import Dataset
from darknet_py.data.formats.labelled.base import Labelled
from darknet_py.data.images.channels import check_channels, in_channels
from darknet_py.distributed.communicator import Communicator
from darknet_py.errors import DataError, NotFinite, UsageError
from darknet_py.graph.graph import Graph
from darknet_py.layers.transforms.softmax import Softmax
from darknet_py.model.network import Network
from darknet_py.predict.letterbox import Fit
from darknet_py.progress import Progress, no_progress
from darknet_py.scoring.classification import TOP, accuracy_per_class, confusion_matrix
from darknet_py.tasks.base import Evaluation, EvaluationSettings

BATCH = 100  # images


@dataclass(frozen=True)
class ClassificationEvaluation(Evaluation):
    """Shares of images, 0..1.

    Args:
        top1: the class with the greatest probability is the label.
        top5: the label is among the five greatest; None of five classes or fewer.
        loss: mean cross entropy, in nats.
        train_top1, train_loss: the same of training images without augmentation; None where not measured.
        per_class: top-1 of each class by name; None where there is no image of it.
        confusion: images by label (rows) and by predicted class (columns).
        images: how many were evaluated.
        protocol: how it was measured.
        predictions: the predicted class of every image, in the data set's order.
    """

    top1: float
    top5: float | None
    loss: float
    train_top1: float | None
    train_loss: float | None
    per_class: dict[str, float | None]
    confusion: list[list[int]]
    images: int
    protocol: dict[str, Any]
    predictions: list[int]

    separate: ClassVar[str] = "predictions"

    def curve(self) -> dict[str, float | None]:
        """Top-1 of validation and of training images."""
        return {"top1": self.top1, "train_top1": self.train_top1}

    def figure(self) -> float:
        """Top-1 of validation."""
        return self.top1


def evaluate_classifier(
    network: Network,
    dataset: Dataset,
    settings: EvaluationSettings | None = None,
    *,
    progress: Progress = no_progress,
    communicator: Communicator | None = None,
) -> ClassificationEvaluation:
    """Score a classifier on labelled images.

    A copy of the network runs. Each image is scaled so that its shorter side fits, and cropped to its centre,
    as Darknet's `classifier valid` does.

    Args:
        progress: called with (images done, images in all) of this process's share.
        communicator: processes that share the images; all return the same.

    Raises:
        DataError, NotFinite: no labels, or other classes than the network; a loss that is NaN or infinite.
    """
    settings = settings or EvaluationSettings()
    check_classifier(network.graph)
    check_channels(network.graph)
    check_labels(network.graph, dataset)
    copied = copy.deepcopy(network).eval().to(settings.device).to(memory_format=torch.channels_last)
    runner = _Runner(copied, settings.batch or BATCH, communicator or Communicator())
    spread = np.zeros(0, np.int64)
    if settings.train is not None:  # as many of its images as the data set has, evenly spread
        most = min(len(dataset), len(settings.train))
        spread = np.unique(np.linspace(0, len(settings.train) - 1, most).astype(np.int64))
    total = len(dataset) + len(spread)
    found = runner.run(dataset, np.arange(len(dataset)), lambda done: progress(done, total))
    of_train = None
    if settings.train is not None:
        of_train = runner.run(settings.train, spread, lambda done: progress(len(dataset) + done, total))
    return _evaluation(found, of_train, dataset, _protocol(network.graph, settings.split, len(spread)))


def _evaluation(
    found: _Answers, of_train: _Answers | None, dataset: Dataset, protocol: dict[str, Any]
) -> ClassificationEvaluation:
    confusion = confusion_matrix(found.labels, found.predicted, len(dataset.names))
    return ClassificationEvaluation(
        top1=float(confusion.trace() / confusion.sum()),
        top5=float(found.in_top.mean()) if len(dataset.names) > TOP else None,
        loss=found.loss,
        train_top1=of_train.top1 if of_train else None,
        train_loss=of_train.loss if of_train else None,
        per_class=dict(zip(dataset.names, accuracy_per_class(confusion), strict=True)),
        confusion=confusion.tolist(),
        images=len(dataset),
        protocol=protocol,
        predictions=found.predicted.tolist(),
    )


def check_classifier(graph: Graph) -> None:
    """Check that a network can be trained and evaluated as a classifier.

    Raises:
        UsageError: when the last [softmax] is not one distribution over the classes.
    """
    assert graph.classifier is not None
    softmax = graph[graph.classifier].layer
    assert isinstance(softmax, Softmax)
    if softmax.groups != 1 or softmax.spatial:
        raise UsageError(
            f"{graph[graph.classifier].name} outputs several distributions; a classifier has one",
            hint="groups=1 and spatial=0 are trained and scored",
        )


def check_labels(graph: Graph, dataset: Dataset) -> None:
    """Check that a classifier can be trained or evaluated on a data set.

    Raises:
        DataError: when it has boxes instead of labels, or other classes than the network.
    """
    if not isinstance(dataset, Labelled):
        raise DataError(
            "the data has boxes, and the network is a classifier",
            hint="give train/CLASS/*.jpg folders, or a .data file with `labels`",
        )
    assert graph.classifier is not None
    classes = graph[graph.classifier].shape.floats
    if classes != len(dataset.names):
        raise DataError(f"the data has {len(dataset.names)} classes, and the network outputs {classes}")


@dataclass(frozen=True)
class _Answers:
    """Of each image: label, predicted class, cross entropy, and whether the label is in the first five."""

    labels: np.ndarray
    predicted: np.ndarray
    losses: np.ndarray
    in_top: np.ndarray

    @property
    def top1(self) -> float:
        """The share of images whose label is predicted."""
        return float((self.predicted == self.labels).mean())

    @property
    def loss(self) -> float:
        """The mean cross entropy."""
        return float(self.losses.mean())


@dataclass(frozen=True)
class _Runner:
    """Runs a network on images, each process on its share of them."""

    network: Network
    batch: int
    communicator: Communicator

    def run(self, dataset: Dataset, chosen: np.ndarray, done: Callable[[int], None]) -> _Answers:
        """The answers of all processes, in the order of the images."""
        share = self.communicator.share(len(chosen), block=self.batch)
        with self.communicator.local_section():
            own = self._answers(dataset, chosen[share.start : share.stop], done)
        gather = self.communicator.gather  # in the order of the ranks, and so of the images
        predicted, losses, in_top = (
            np.concatenate([np.frombuffer(data, array.dtype) for data in gather(array.tobytes())])
            for array in (own.predicted, own.losses, own.in_top)
        )
        assert len(predicted) == len(chosen), "an image was evaluated twice, or not at all"
        return _Answers(_labels(dataset)[chosen], predicted, losses, in_top)

    def _answers(self, dataset: Dataset, chosen: np.ndarray, done: Callable[[int], None]) -> _Answers:
        labels, net = _labels(dataset), self.network.graph.net
        device = next(self.network.parameters(), torch.empty(0)).device
        nothing = torch.zeros(0, device=device)
        predicted, losses, in_top = [nothing.long()], [nothing], [nothing.bool()]
        with torch.inference_mode():
            for at in range(0, len(chosen), self.batch):
                part = chosen[at : at + self.batch].tolist()
                truth = torch.from_numpy(labels[part]).to(device)
                pixels = [in_channels(dataset.pixels(i), net.channels) for i in part]
                images = torch.stack([fitted_image(one, (net.height, net.width)) for one in pixels])
                images = images.contiguous(memory_format=torch.channels_last).to(device)
                logits = self.network.logits(images).float()
                first = logits.topk(min(TOP, logits.shape[1])).indices
                predicted.append(first[:, 0])
                losses.append(torch.nn.functional.cross_entropy(logits, truth, reduction="none"))
                in_top.append((first == truth[:, None]).any(dim=1))
                done(sum(map(len, predicted)))
        columns = (torch.cat(column).cpu().numpy() for column in (predicted, losses, in_top))
        found = _Answers(labels[chosen], *columns)
        if not np.isfinite(found.losses).all():
            raise NotFinite("the output of the network is not finite", hint="a lower learning_rate may help")
        return found


def _labels(dataset: Dataset) -> np.ndarray:
    assert isinstance(dataset, Labelled)
    return dataset.labels


def fitted_image(pixels: np.ndarray, size: tuple[int, int]) -> Tensor:
    """The centre crop of an image whose shorter side was scaled to fit: (C, H, W) float32 in 0..1."""
    (high, wide), (rows, columns) = pixels.shape[:2], size
    wider = rows * wide > columns * high  # than the input, in proportion
    inner = (rows, wide * rows // high) if wider else (high * columns // wide, columns)
    scaled = Fit.stretch((high, wide), inner).apply(pixels)
    top, left = (inner[0] - rows) // 2, (inner[1] - columns) // 2
    return scaled[:, top : top + rows, left : left + columns]


def _protocol(graph: Graph, split: str, train_images: int) -> dict[str, Any]:
    net = graph.net
    facts = {
        "metric": "top-1 and top-5 accuracy",
        "split": split,
        "size": [net.height, net.width],
        "resize": "shorter side, middle crop",
    }
    if train_images:
        facts["train_top1"] = f"of {train_images} training images, evenly spread, as they are, in evaluation"
    return facts
