"""The task of a graph, by what it ends in."""

from __future__ import annotations

from darknet_py.graph.graph import Graph
from darknet_py.tasks.base import Task
from darknet_py.tasks.classification import ClassificationTask
from darknet_py.tasks.detection import DetectionTask


def task_of(graph: Graph) -> Task:
    """What the network of a graph can be trained for.

    Raises:
        UsageError: when it ends neither in heads that have a loss nor in a [softmax] over classes.
    """
    return ClassificationTask(graph) if graph.classifier is not None else DetectionTask(graph)
