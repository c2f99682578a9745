"""What is measured in each kind of task: the figures, their words, and which of them a verdict is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Metrics:
    """The figures of one task.

    Args:
        words: each figure and the head of its column, in order; all are shares in 0..1, printed x 100.
        judged: the figures that verdicts are given in, the first the one that matters most.
        curves: figures that the log has along the way; the first is drawn whole, others are dashed.
        of_class: what the figure of a single class is called.
    """

    task: str
    words: Mapping[str, str]
    judged: tuple[str, ...]
    curves: tuple[str, ...]
    of_class: str

    @property
    def first(self) -> str:
        """The figure that matters most."""
        return self.judged[0]

    @property
    def word(self) -> str:
        """What it is called."""
        return self.words[self.first]

    @property
    def judged_words(self) -> str:
        """The figures that verdicts are about: `AP and AP50`."""
        return " and ".join(self.words[key] for key in self.judged)


NONE = "n/a"  # a score without truth
DETECTION = Metrics(
    "detection",
    {
        "ap": "AP",
        "ap50": "AP50",
        "ap75": "AP75",
        "ap_small": "small",
        "ap_medium": "medium",
        "ap_large": "large",
    },
    judged=("ap",),
    curves=("ap50",),
    of_class="AP",
)
CLASSIFICATION = Metrics(
    "classification",
    {"top1": "top-1", "top5": "top-5", "train_top1": "train top-1"},
    judged=("top1",),
    curves=("top1", "train_top1"),
    of_class="top-1",
)
TASKS = {metrics.task: metrics for metrics in (DETECTION, CLASSIFICATION)}


def describe_scores(result: Mapping[str, Any]) -> str:
    """The main scores of a result, in words.

    >>> describe_scores({"task": "detection", "scores": {"ap": 0.16, "ap50": None}})
    'AP 16.0, AP50 n/a'
    """
    metrics, scores = TASKS[result.get("task", "detection")], result["scores"]
    keys = dict.fromkeys((*metrics.judged, *metrics.curves))
    return ", ".join(f"{metrics.words[key]} {in_percent(scores[key])}" for key in keys)


def in_percent(score: float | None, *, digits: int = 1) -> str:
    """A score times 100; `n/a` where there is no truth.

    >>> in_percent(0.4567), in_percent(None)
    ('45.7', 'n/a')
    """
    return NONE if score is None else f"{100 * score:.{digits}f}"
