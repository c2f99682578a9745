"""`darknet_py.evaluate`: the figures of a network on a data set."""

from __future__ import annotations

from pathlib import Path

from darknet_py.cfg.document import Document
from darknet_py.data.dataset import Dataset
from darknet_py.data.formats.registry import open_data
from darknet_py.model.api import load
from darknet_py.model.device import usable
from darknet_py.model.network import Network
from darknet_py.model.weights import load_weights
from darknet_py.progress import Progress, no_progress
from darknet_py.tasks.base import Evaluation, EvaluationSettings
from darknet_py.tasks.classification_evaluation import evaluate_classifier
from darknet_py.tasks.detection_evaluation import evaluate_detector


def evaluate(
    cfg: str | Path | Document | Network,
    weights: str | Path | None,
    data: str,
    *,
    split: str = "val",
    device: str = "cpu",
    progress: Progress = no_progress,
) -> Evaluation:
    """Evaluate a network as `darknet-py eval` does.

    Args:
        cfg: a file, a shipped cfg by name, a text, a Document, or a Network.
        weights: a complete `.weights` file; None for a Network that has its weights.
        data: a data set, as `open_data` takes it.
        split: train, val, or X of a COCO folder's `instances_X.json`.
        device: `cpu`, `cuda`, `cuda:1` or `mps`.
        progress: called after each image.

    Returns:
        COCO's figures of a detector (`ap`, `ap50`, ...), or those of a classifier (`top1`, ...), 0..1;
        `to_json()` is what the command line prints.

    Raises:
        CfgError, WeightsError, DataError, UsageError: when what is given cannot be used.
    """
    network = cfg if isinstance(cfg, Network) else load(cfg, weights)
    if network is cfg and weights is not None:
        load_weights(network, weights)
    dataset, settings = open_data(data, split=split), EvaluationSettings(usable(device), split)
    return evaluate_network(network, dataset, settings, progress=progress)


def evaluate_network(
    network: Network, dataset: Dataset, settings: EvaluationSettings, *, progress: Progress
) -> Evaluation:
    """The figures of a classifier or of a detector, which need not have a loss."""
    if network.graph.classifier is not None:
        return evaluate_classifier(network, dataset, settings, progress=progress)
    return evaluate_detector(network, dataset, settings, progress=progress)
