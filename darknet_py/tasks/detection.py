"""Detection: the loss of every head, COCO's figures."""

from __future__ import annotations

import torch

from darknet_py.data.augment.base import Augment
from darknet_py.data.augment.detection import Augmentation
from darknet_py.data.dataset import Dataset
from darknet_py.distributed.communicator import Communicator
from darknet_py.engines.torch_engine import engine_of_copy
from darknet_py.errors import UsageError
from darknet_py.graph.graph import Graph
from darknet_py.layers.heads.yolo import SHARING, Yolo
from darknet_py.losses.heads import has_loss, losses_of
from darknet_py.losses.truths import Truths
from darknet_py.model.network import Network
from darknet_py.model.prefix_maps import Inputs
from darknet_py.progress import Progress, no_progress
from darknet_py.tasks.base import EvaluationSettings, MinibatchLoss, Task
from darknet_py.tasks.detection_evaluation import DetectionEvaluation, check_boxes, evaluate_detector

HALVES = (torch.bfloat16, torch.float16)


class DetectionTask(Task):
    """Networks that end in heads."""

    name = "detection"

    def __init__(self, graph: Graph) -> None:
        super().__init__(graph)
        self.heads = graph.head_layers
        if not has_loss(self.heads):
            kinds = ", ".join(f"[{head.section}]" for head in self.heads) or "no head"
            trained = "networks with heads such as [yolo], and those that end in [softmax], are trained"
            raise UsageError(f"{trained}; this one has {kinds}")
        if any(isinstance(h, Yolo) and h.assigner in SHARING and h.iou_loss == "mse" for h in self.heads):
            raise UsageError(
                "an assigner other than darknet has no loss with iou_loss=mse",
                hint="set iou_loss=ciou in every head that names one",
            )
        self.random = self.heads[-1].random

    def check_data(self, dataset: Dataset) -> None:
        """Check for boxes, of as many classes as the heads have."""
        check_boxes(self.graph, dataset)

    def augmentation(self) -> Augment:
        """As [net] and the last head describe it."""
        return Augmentation.of(self.graph.net, self.heads[-1])

    def loss(
        self, network: Network, images: Inputs, truths: Truths, *, batch: int, seen: int = 0
    ) -> MinibatchLoss:
        """The deltas of every head, as gradients of its raw map."""
        raws = network(images)
        size = (images.shape[2], images.shape[3])
        exact = [raw.float() if raw.dtype in HALVES else raw for raw in raws]
        found = losses_of(self.heads, exact, truths, size, seen=seen)
        deltas = tuple(one.delta for one in found)
        value = torch.stack([one.cost for one in found]).mean() / batch
        return MinibatchLoss(value, raws, [-delta / batch for delta in deltas], deltas)

    def evaluate(
        self,
        network: Network,
        dataset: Dataset,
        settings: EvaluationSettings | None = None,
        *,
        progress: Progress = no_progress,
        communicator: Communicator | None = None,
    ) -> DetectionEvaluation:
        """COCO's figures."""
        settings = settings or EvaluationSettings()
        engine = (settings.runs or engine_of_copy)(network, settings.device)
        return evaluate_detector(engine, dataset, settings, progress=progress, communicator=communicator)
