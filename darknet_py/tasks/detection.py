"""Training for boxes: the loss of every head, COCO's figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from darknet_py.data.augment.detection import Augmentation
from darknet_py.data.dataset import Dataset
from darknet_py.data.loader.collate import Augment
from darknet_py.distributed.communicator import Communicator
from darknet_py.errors import UsageError
from darknet_py.layers.heads.yolo import SHARING
from darknet_py.losses.heads import losses_of, trainable
from darknet_py.losses.truths import Truths
from darknet_py.model.network import Network
from darknet_py.scoring.coco import Scores, check_boxes, evaluate
from darknet_py.tasks.base import Objective, Scored

HALVES = (torch.bfloat16, torch.float16)


class Detection(Objective):
    """Networks that end in boxes."""

    task = "detection"

    def __init__(self, network: Network) -> None:
        super().__init__(network)
        self.heads = [network.graph[i].layer for i in network.graph.heads]
        if not trainable(self.heads):
            kinds = ", ".join(f"[{head.section}]" for head in self.heads) or "no head"
            trained = "networks with heads such as [yolo], and those that end in [softmax], are trained"
            raise UsageError(f"{trained}; this one has {kinds}")
        if any(getattr(h, "assigner", "") in SHARING and h.iou_loss == "mse" for h in self.heads):
            raise UsageError(
                "an assigner other than darknet has no loss with iou_loss=mse",
                hint="set iou_loss=ciou in every head that names one",
            )
        self.random = self.heads[-1].random

    def check(self, dataset: Dataset) -> None:
        """Boxes, as many classes as the heads have."""
        check_boxes(self.graph, dataset)

    def augment(self) -> Augment:
        """As [net] and the last head say."""
        return Augmentation.of(self.graph.net, self.heads[-1])

    def backward(self, images: Tensor, truths: Truths, batch: int) -> Tensor:
        """The deltas of every head, carried back."""
        raws = self.network(images)
        size = (images.shape[2], images.shape[3])
        exact = [raw.float() if raw.dtype in HALVES else raw for raw in raws]
        found = losses_of(self.heads, exact, truths, size, seen=self.seen)
        self.deltas = [one.delta for one in found]
        torch.autograd.backward(
            raws, [self.scale(-one.delta / batch).to(raw.dtype) for one, raw in zip(found, raws, strict=True)]
        )
        return torch.stack([one.cost for one in found]).mean() / batch

    def score(
        self, network: Network, val: Dataset, train: Dataset, *, device: str, communicator: Communicator
    ) -> Scored:
        """COCO figures."""
        return Boxes(evaluate(network, val, device=device, communicator=communicator))


@dataclass(frozen=True)
class Boxes(Scored):
    """COCO figures and the detections behind them."""

    scores: Scores

    def to_json(self) -> dict[str, Any]:
        """The figures alone."""
        return self.scores.to_json()

    def curve(self) -> dict[str, float | None]:
        """AP and AP50."""
        return {"ap": self.scores.ap, "ap50": self.scores.ap50}

    def figure(self) -> float:
        """AP."""
        return self.scores.ap or 0.0

    def files(self) -> dict[str, Any]:
        """The detections, as a COCO results list."""
        return {"detections.json": self.scores.detections}
