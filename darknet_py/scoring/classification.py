"""How often a classifier is right: top-1, top-5, the loss, and which classes it takes for which."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from darknet_py.data.dataset import Dataset
from darknet_py.data.formats.labelled import Labelled
from darknet_py.distributed.communicator import Communicator
from darknet_py.errors import DataError, NotFinite, UsageError, quoted
from darknet_py.graph.graph import Graph
from darknet_py.layers.transforms.softmax import Softmax
from darknet_py.model.network import Network
from darknet_py.predict.letterbox import Fit

TOP = 5
NOT_PREDICTIONS = ("predictions",)


@dataclass(frozen=True)
class Accuracy:
    """Shares of images, 0..1.

    Args:
        top1: the class with the greatest probability is the label.
        top5: the label is among the five greatest; None of five classes or fewer.
        loss: mean cross entropy, in nats.
        train_top1, train_loss: the same of training images, as they are, in evaluation; None where not asked.
        per_class: top-1 of each class by name; None where there is no image of it.
        confusion: images by label (rows) and by the class that was predicted (columns).
        images: how many were looked at.
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

    def to_json(self) -> dict[str, Any]:
        """The figures as JSON holds them; without the predictions, which have a file of their own."""
        return {key: value for key, value in asdict(self).items() if key not in NOT_PREDICTIONS}


def check_classifier(graph: Graph) -> None:
    """Refuse what cannot be trained or scored as a classifier.

    Raises:
        UsageError: when the last [softmax] is not one distribution over the classes.
    """
    assert graph.classifier is not None
    softmax = graph[graph.classifier].layer
    assert isinstance(softmax, Softmax)
    if softmax.groups != 1 or softmax.spatial:
        raise UsageError(
            f"{graph[graph.classifier].name} puts out several distributions; a classifier has one",
            hint="groups=1 and spatial=0 are trained and scored",
        )


def classify(
    network: Network,
    dataset: Dataset,
    *,
    train: Dataset | None = None,
    batch: int = 100,
    device: str = "cpu",
    split: str = "val",
    progress: Callable[[int, int], None] | None = None,
    communicator: Communicator | None = None,
) -> Accuracy:
    """Score a classifier on labelled images.

    A copy of the network runs, in evaluation. Each image is scaled so that its shorter side fits, and cut
    from the middle, as Darknet's `classifier valid` does.

    Args:
        train: training images, of which as many as `dataset` has, evenly spread, are scored too.
        progress: called with (images done, images in all).
        communicator: processes that share the images; all return the same.

    Raises:
        DataError, NotFinite: no labels, or other classes than the network; a loss that is NaN or infinite.
    """
    communicator = communicator or Communicator()
    _check(network.graph, dataset)
    runner = copy.deepcopy(network).eval().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    chosen = _spread(train, len(dataset)) if train else np.zeros(0, np.int64)
    tell, total = progress or (lambda done, total: None), len(dataset) + len(chosen)
    return Accuracy(
        **_of_images(communicator, runner, dataset, batch, lambda n: tell(n, total)),
        **_of_training(communicator, runner, train, chosen, batch, lambda n: tell(len(dataset) + n, total)),
        images=len(dataset),
        protocol=_protocol(network.graph, split, len(chosen)),
    )


def _check(graph: Graph, dataset: Dataset) -> None:
    check_classifier(graph)
    check_labelled(graph, dataset)


def _of_images(
    communicator: Communicator, network: Network, dataset: Dataset, batch: int, done: Callable[[int], None]
) -> dict[str, Any]:
    """The figures of all images."""
    predicted, losses, among = _shared(communicator, network, dataset, np.arange(len(dataset)), batch, done)
    confusion = _confusion(_labels(dataset), predicted, len(dataset.names))
    return {
        "top1": float(confusion.trace() / confusion.sum()),
        "top5": float(among.mean()) if len(dataset.names) > TOP else None,
        "loss": float(losses.mean()),
        "per_class": dict(zip(dataset.names, _per_class(confusion), strict=True)),
        "confusion": confusion.tolist(),
        "predictions": predicted.tolist(),
    }


def _of_training(
    communicator: Communicator,
    network: Network,
    train: Dataset | None,
    chosen: np.ndarray,
    batch: int,
    done: Callable[[int], None],
) -> dict[str, float | None]:
    """The figures of training images; None without any."""
    if train is None:
        return {"train_top1": None, "train_loss": None}
    predicted, losses, _ = _shared(communicator, network, train, chosen, batch, done)
    right = predicted == _labels(train)[chosen]
    return {"train_top1": float(right.mean()), "train_loss": float(losses.mean())}


def _shared(
    communicator: Communicator,
    network: Network,
    dataset: Dataset,
    chosen: np.ndarray,
    batch: int,
    done: Callable[[int], None],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`_scored`, each process in its share of the images."""
    share = communicator.share(len(chosen), block=batch)
    with communicator.local_section():
        mine = _scored(network, dataset, chosen[share.start : share.stop], batch, done)
    predicted, losses, among = (joined_array(communicator, array) for array in mine)
    assert len(predicted) == len(chosen), "an image was looked at twice, or not at all"
    return predicted, losses, among


def joined_array(communicator: Communicator, array: np.ndarray) -> np.ndarray:
    """What all processes have, one after the other."""
    return np.concatenate([np.frombuffer(data, array.dtype) for data in communicator.gather(array.tobytes())])


def _confusion(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """(K, K) counts, labels by rows."""
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (labels, predicted), 1)
    return counts


def _per_class(confusion: np.ndarray) -> Iterator[float | None]:
    for right, images in zip(confusion.diagonal(), confusion.sum(axis=1), strict=True):
        yield float(right / images) if images else None


def check_labelled(graph: Graph, dataset: Dataset) -> None:
    """Refuse data that a classifier cannot be trained or scored on.

    Raises:
        DataError: when it has boxes in the place of labels, or other classes than the network.
    """
    if not isinstance(dataset, Labelled):
        raise DataError(
            "the data has boxes, and the network is a classifier",
            hint="give train/CLASS/*.jpg folders, or a .data file with `labels`",
        )
    assert graph.classifier is not None
    classes = graph[graph.classifier].shape.floats
    if classes != len(dataset.names):
        raise DataError(f"the data has {len(dataset.names)} classes, and the network puts out {classes}")


def _spread(dataset: Dataset, most: int) -> np.ndarray:
    """Numbers of at most `most` images, evenly spread."""
    return np.unique(np.linspace(0, len(dataset) - 1, min(most, len(dataset))).astype(np.int64))


def _labels(dataset: Dataset) -> np.ndarray:
    assert isinstance(dataset, Labelled)
    return dataset.labels


def _scored(
    network: Network, dataset: Dataset, chosen: np.ndarray, batch: int, done: Callable[[int], None]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each image: the predicted class, the cross entropy, and whether the label is in the first five."""
    net, labels = network.graph.net, _labels(dataset)
    device = next(network.parameters(), torch.empty(0)).device
    nothing = torch.zeros(0, device=device)
    found: list[tuple[Tensor, Tensor, Tensor]] = [(nothing.long(), nothing, nothing.bool())]
    with torch.inference_mode():
        for part in _parts(chosen, batch):
            images = torch.stack([fitted_image(dataset.pixels(i), (net.height, net.width)) for i in part])
            images = images.to(device).contiguous(memory_format=torch.channels_last)
            truth = torch.from_numpy(labels[part]).to(device)
            logits = network.logits(images).float()
            losses = torch.nn.functional.cross_entropy(logits, truth, reduction="none")
            first = logits.topk(min(TOP, logits.shape[1])).indices
            found.append((first[:, 0], losses, (first == truth[:, None]).any(dim=1)))
            done(sum(len(one[0]) for one in found))
    predicted, losses, among = (torch.cat(column).cpu().numpy() for column in zip(*found, strict=True))
    if not np.isfinite(losses).all():
        raise NotFinite("what the network puts out is not finite", hint="a lower learning_rate may help")
    return predicted, losses, among


def confusion_lines(accuracy: Accuracy, names: Sequence[str], *, most: int = 20) -> list[str]:
    """The confusion matrix as text, in percent of each row; of many classes the most confused pairs."""
    counts, names = np.array(accuracy.confusion), [quoted(name) for name in names]
    shares = 100 * counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    if len(names) <= most:
        wide = max(map(len, names))
        rows = (" ".join(f"{share:4.0f}" for share in row) for row in shares)
        body = [f"{name:<{wide}} {row}" for name, row in zip(names, rows, strict=True)]
        return ["", "rows: labels; columns: predictions, in the same order; percent of the row", *body]
    off = shares * (1 - np.eye(len(names)))
    places = np.dstack(np.unravel_index(np.argsort(-off, axis=None)[:most], off.shape))[0]
    return ["", "taken for another most often, percent"] + [
        f"{off[row, column]:4.0f}  {names[row]} for {names[column]}"
        for row, column in places
        if counts[row, column] and row != column
    ]


def _parts(chosen: np.ndarray, batch: int) -> Iterator[list[int]]:
    numbers = chosen.tolist()
    return (numbers[at : at + batch] for at in range(0, len(numbers), batch))


def fitted_image(pixels: np.ndarray, size: tuple[int, int]) -> Tensor:
    """The middle of an image whose shorter side was scaled to fit: (3, H, W) float32 in 0..1."""
    (high, wide), (rows, columns) = pixels.shape[:2], size
    lying = rows * wide > columns * high  # more so than the input
    inner = (rows, wide * rows // high) if lying else (high * columns // wide, columns)
    whole = Fit.stretch((high, wide), inner).apply(pixels)
    top, left = (inner[0] - rows) // 2, (inner[1] - columns) // 2
    return whole[:, top : top + rows, left : left + columns]


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
