"""What a network is trained for: how images are varied, what the loss is, how it is scored."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from torch import Tensor

from darknet_py.data.dataset import Dataset
from darknet_py.data.loader.collate import Augment
from darknet_py.distributed.communicator import Communicator
from darknet_py.losses.truths import Truths
from darknet_py.model.network import Network


class Scored(ABC):
    """Figures of a network, and where they go."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """The figures as a result holds them."""

    @abstractmethod
    def curve(self) -> dict[str, float | None]:
        """What the log says of them along the way."""

    @abstractmethod
    def figure(self) -> float:
        """The one by which a run's best weights are chosen; higher is better."""

    @abstractmethod
    def files(self) -> dict[str, Any]:
        """JSON files of their own: name and value."""


class Objective(ABC):
    """One kind of training. `deltas` are -dLoss/d(map) of the last minibatch, where the loss gives them.

    Args:
        random: the factor by which the sizes of inputs vary; 0 for one size.
        seen: images trained on, those of the iteration that is computed among them.
        scale: what a gradient is multiplied by on its way back, see `scaling.py`.
    """

    task: str
    random: float = 0.0
    seen: int = 0
    deltas: list[Tensor]

    def __init__(self, network: Network) -> None:
        self.network, self.graph, self.deltas = network, network.graph, []
        self.scale: Callable[[Tensor], Tensor] = lambda tensor: tensor

    @abstractmethod
    def check(self, dataset: Dataset) -> None:
        """Refuse data of another kind, before anything is trained."""

    @abstractmethod
    def augment(self) -> Augment:
        """How training images are varied, as the cfg says."""

    @abstractmethod
    def backward(self, images: Tensor, truths: Truths, batch: int) -> Tensor:
        """Forward and backward of one minibatch; its share of the loss of a batch of `batch` images."""

    @abstractmethod
    def score(
        self, network: Network, val: Dataset, train: Dataset, *, device: str, communicator: Communicator
    ) -> Scored:
        """The figures of the network, or of its average, on the validation images."""
