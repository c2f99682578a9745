"""A task: what a network is trained for, how training images are augmented, and how it is evaluated."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from darknet_py.data.augment.base import Augment
from darknet_py.data.dataset import Dataset
from darknet_py.distributed.communicator import Communicator
from darknet_py.errors import UsageError
from darknet_py.graph.graph import Graph
from darknet_py.progress import Progress, no_progress
from darknet_py.scoring.detection_figures import ENGINES
from darknet_py.scoring.operating_point import SCORE

if TYPE_CHECKING:
    from torch import Tensor

    from darknet_py.engines.base import Engine
    from darknet_py.losses.truths import Truths
    from darknet_py.model.network import Network
    from darknet_py.model.prefix_maps import Inputs

DETECT_AS = ("valid", "map")


@dataclass(frozen=True)
class MinibatchLoss:
    """The loss of one minibatch, and where its backward pass begins.

    Args:
        value: its part of the printed loss of the batch.
        outputs: tensors that the network computed.
        gradients: d(loss of the batch) / d(output), one for each output.
        deltas: -dLoss/d(map) of each head, summed over images; none where the loss does not give them.
    """

    value: Tensor
    outputs: Sequence[Tensor]
    gradients: Sequence[Tensor]
    deltas: tuple[Tensor, ...] = ()


@dataclass(frozen=True)
class EvaluationSettings:
    """How a network is evaluated.

    Args:
        device: where a copy of the network runs.
        split: what the data set is called in the protocol.
        batch: images that run at once; by default as many as suit the task.
        threshold: of a detector's scores; Darknet's `detector valid` takes .001.
        nms: threshold of the overlap of boxes; Darknet's `detector valid` takes .6.
        train: training images; of these a classifier also scores as many as the data set has.
        precision_at: the score from which a detector's precision, recall and F1 are measured; by default
            Darknet's .25, or `threshold` where it is higher.
        detect_as: of `DETECT_AS`: as Darknet's `detector valid`, NMS in pixels and boxes clipped to the
            image; or as its `detector map`, NMS in fractions and boxes as they are.
        runs: makes the engine that runs a network on a device; by default one of the complete network.
        engine: what matches a detector's boxes, of `ENGINES`; the figures are the same.

    Raises:
        UsageError: when `precision_at` is not a score that is kept.
    """

    device: str = "cpu"
    split: str = "val"
    batch: int | None = None
    threshold: float = 0.001
    nms: float = 0.6
    train: Dataset | None = None
    precision_at: float | None = None
    detect_as: str = DETECT_AS[0]
    engine: str = ENGINES[0]
    runs: Callable[[Network, str], Engine] | None = None

    def __post_init__(self) -> None:
        """Check the score."""
        if self.precision_at is not None and not self.threshold <= self.precision_at <= 1:  # NaN too
            raise UsageError(
                f"--precision-at {self.precision_at:g} is not a score that is kept",
                hint=f"expected --threshold, {self.threshold:g}, to 1",
            )

    @property
    def precision_score(self) -> float:
        """The score from which precision, recall and F1 are measured."""
        return max(SCORE, self.threshold) if self.precision_at is None else self.precision_at


@dataclass(frozen=True)
class Evaluation(ABC):
    """The figures of a network on a data set; a subclass is a dataclass of them.

    Attributes:
        separate: the field that is not a figure but what the network predicts; it has a JSON file of its own.
    """

    separate: ClassVar[str]

    def to_json(self) -> dict[str, Any]:
        """The figures as `result.json` holds them."""
        return {key: value for key, value in asdict(self).items() if key != self.separate}

    def files(self) -> dict[str, Any]:
        """Predictions as files: name, and a JSON value or bytes."""
        return {f"{self.separate}.json": getattr(self, self.separate)}

    @abstractmethod
    def curve(self) -> dict[str, float | None]:
        """The figures that the log of a training holds."""

    @abstractmethod
    def figure(self) -> float | None:
        """The figure that the best weights of a run are chosen by, higher is better; None without truth."""


class Task(ABC):
    """What the network of a graph is trained for.

    Args:
        random: the factor by which the sizes of inputs vary; 0 for one size.
    """

    name: str
    random: float = 0.0

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    @abstractmethod
    def check_data(self, dataset: Dataset) -> None:
        """Check that a data set has truths of this kind, for as many classes as the network.

        Raises:
            DataError: when it has not.
        """

    @abstractmethod
    def augmentation(self) -> Augment:
        """How training images are varied, as the cfg says."""

    @abstractmethod
    def loss(
        self, network: Network, images: Inputs, truths: Truths, *, batch: int, seen: int = 0
    ) -> MinibatchLoss:
        """Run the network on a minibatch, and compute its loss.

        Args:
            images: (N, C, H, W) in 0..1, or their maps before a layer.
            batch: images of the batch that the minibatch is part of.
            seen: images trained on, those of this iteration among them.
        """

    @abstractmethod
    def evaluate(
        self,
        network: Network,
        dataset: Dataset,
        settings: EvaluationSettings | None = None,
        *,
        progress: Progress = no_progress,
        communicator: Communicator | None = None,
    ) -> Evaluation:
        """The figures of a network of this graph on a data set; a copy of it runs.

        Args:
            progress: called with (images done, images in all) of this process's share.
            communicator: the processes that share the images; all return the same.

        Raises:
            DataError: when the data set does not fit the network.
        """
