"""A classifier evaluated on a data set, by one process or several: top-1, top-5, the loss, the confusion."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import astuple, dataclass
from threading import Event
from typing import Any, ClassVar

import numpy as np

from darknet_py.data.dataset import Dataset
from darknet_py.data.formats.labelled.base import Labelled
from darknet_py.data.images.channels import check_channels, in_channels
from darknet_py.distributed.communicator import Communicator
from darknet_py.engines.base import Engine, callers_of
from darknet_py.errors import DataError, NotFinite, UsageError
from darknet_py.graph.graph import Graph
from darknet_py.layers.transforms.softmax import Softmax
from darknet_py.ops.cells import Floats, Ints
from darknet_py.predict.letterbox import Fit
from darknet_py.predict.overlap import side_by_side
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
    engine: Engine,
    dataset: Dataset,
    settings: EvaluationSettings | None = None,
    *,
    progress: Progress = no_progress,
    communicator: Communicator | None = None,
) -> ClassificationEvaluation:
    """Score a classifier on labelled images.

    Each image is scaled so that its shorter side fits, and cropped to its centre, as Darknet's `classifier
    valid` does.

    Args:
        progress: called with (images done, images in all) of this process's share.
        communicator: processes that share the images; all return the same.

    Raises:
        DataError, NotFinite: no labels, or other classes than the network; a loss that is NaN or infinite.
    """
    settings = settings or EvaluationSettings()
    check_classifier(engine.graph)
    check_channels(engine.graph)
    check_labels(engine.graph, dataset)
    runner = _Runner(engine, settings.batch or BATCH, communicator or Communicator())
    spread = np.zeros(0, np.int64)
    if settings.train is not None:  # as many of its images as the data set has, evenly spread
        most = min(len(dataset), len(settings.train))
        spread = np.unique(np.linspace(0, len(settings.train) - 1, most).astype(np.int64))
    total = len(dataset) + len(spread)
    found = runner.run(dataset, np.arange(len(dataset)), lambda done: progress(done, total))
    of_train = None
    if settings.train is not None:
        of_train = runner.run(settings.train, spread, lambda done: progress(len(dataset) + done, total))
    return _evaluation(found, of_train, dataset, _protocol(engine.graph, settings.split, len(spread)))


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

    @classmethod
    def none(cls) -> _Answers:
        """Of no image."""
        return cls.of(np.zeros((0, 1), np.float32), np.zeros(0, np.int64))

    @classmethod
    def of(cls, logits: Floats, labels: Ints) -> _Answers:
        """From the logits (N, K) and labels (N,) of images; of equal logits the first class is predicted."""
        first = np.argsort(-logits, axis=1, kind="stable")[:, :TOP]
        with np.errstate(invalid="ignore", over="ignore"):  # NaN and infinity are reported by the caller
            shifted = logits - logits.max(axis=1, keepdims=True)
            losses = (
                np.log(np.exp(shifted).sum(axis=1)) - np.take_along_axis(shifted, labels[:, None], 1)[:, 0]
            )
        return cls(labels, first[:, 0], losses, (first == labels[:, None]).any(axis=1))

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

    engine: Engine
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
        callers = callers_of(self.engine)
        batch = max(1, min(self.batch, -(-len(chosen) // callers)))  # few images are for all of them
        shares = [slice(at, at + batch) for at in range(0, len(chosen), batch)]
        labels, parts = _labels(dataset)[chosen], [_Answers.none()]

        def logits(part: slice) -> Floats:
            return self._logits(dataset, chosen[part].tolist())

        with closing(side_by_side(logits, shares, callers=callers, stop=Event())) as all_logits:
            for part, found in zip(shares, all_logits, strict=True):
                parts.append(_Answers.of(found, labels[part]))
                done(min(part.stop, len(chosen)))
        all_found = _Answers(*(np.concatenate(column) for column in zip(*map(astuple, parts), strict=True)))
        if not np.isfinite(all_found.losses).all():
            raise NotFinite("the output of the network is not finite", hint="a lower learning_rate may help")
        return all_found

    def _logits(self, dataset: Dataset, chosen: list[int]) -> Floats:
        """The logits of some images, (N, K)."""
        graph = self.engine.graph
        size = (graph.net.height, graph.net.width)
        pixels = (in_channels(dataset.pixels(index), graph.net.channels) for index in chosen)
        (raw,) = self.engine(np.stack([fitted_image(one, size) for one in pixels]))
        assert graph.classifier is not None
        softmax = graph[graph.classifier].layer
        assert isinstance(softmax, Softmax)
        return raw.reshape(len(raw), -1) / softmax.temperature


def _labels(dataset: Dataset) -> np.ndarray:
    assert isinstance(dataset, Labelled)
    return dataset.labels


def fitted_image(pixels: np.ndarray, size: tuple[int, int]) -> Floats:
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
