"""`darknet_py.evaluate`: the figures of a network on a data set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from darknet_py.cfg.document import Document
from darknet_py.data.class_matching import ClassList
from darknet_py.data.dataset import Dataset
from darknet_py.data.formats.registry import open_data
from darknet_py.data.verify.run import readable
from darknet_py.engines.base import Engine
from darknet_py.engines.opening import open_given
from darknet_py.errors import quoted
from darknet_py.graph.graph import Graph
from darknet_py.predict.network_classes import classes_of_graph, in_network_order, names_file
from darknet_py.progress import Progress, no_progress
from darknet_py.tasks.base import Evaluation, EvaluationSettings
from darknet_py.tasks.classification_evaluation import evaluate_classifier
from darknet_py.tasks.detection_evaluation import evaluate_detector

if TYPE_CHECKING:
    from darknet_py.model.network import Network


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

    Classes are matched by name where a file of the network's class names is next to the weights or the cfg.

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
    engine = open_given(cfg, weights, device=device)
    files = [Path(weights)] if weights is not None else []
    names = names_file([*files, Path(engine.graph.document.path)])
    (dataset,) = readable(open_in_network_order(engine.graph, data, split, names=names))
    return evaluate_network(engine, dataset, EvaluationSettings(split=split), progress=progress)


def open_in_network_order(graph: Graph, data: str, split: str, *, names: Path | ClassList | None) -> Dataset:
    """Open a split to evaluate a network on, with the classes in the network's order.

    Args:
        names: the network's class names, or the file of them, where there is one.

    Raises:
        DataError: when the data cannot be used, or has boxes of a class that the network does not have.
    """
    hint = "the file of names has a line for each class of the network, in its order (`eval --names FILE`)"
    source, classes = f"{quoted(data)} ({quoted(split)})", classes_of_graph(graph)
    return in_network_order(open_data(data, split=split), classes, source=source, names=names, hint=hint)


def evaluate_network(
    engine: Engine, dataset: Dataset, settings: EvaluationSettings, *, progress: Progress
) -> Evaluation:
    """The figures of a classifier or of a detector, which need not have a loss."""
    if engine.graph.classifier is not None:
        return evaluate_classifier(engine, dataset, settings, progress=progress)
    return evaluate_detector(engine, dataset, settings, progress=progress)
