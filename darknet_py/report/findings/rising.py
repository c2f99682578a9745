"""Whether the scores were still rising when the trainings ended.

The rise of a run is that of its last quarter: from the last evaluation in the first three quarters to the
last of all. A variant was still rising where the mean over its seeds exceeds the margin, and twice its
standard error; the deviation between seeds is pooled over the variants.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from darknet_py.report.tables import label
from darknet_py.report.verdict_sentence import signed
from darknet_py.runs.curves import Points
from darknet_py.runs.records import Comparison

LAST = 0.25  # of the training
ERRORS = 2.0  # standard errors
NEAR = 1e-9  # of an epoch


@dataclass(frozen=True)
class Rise:
    """What became of the score of a variant at the end of its trainings.

    Args:
        rise: in the last quarter, a mean over seeds; None where a run was evaluated too seldom to know.
        error: its standard error; 0 of a single seed in each variant, whose noise is not known.
        rising: whether it was still rising.
    """

    variant: str
    rise: float | None
    error: float
    rising: bool

    def to_json(self) -> dict[str, Any]:
        """The fields, by their names."""
        return {"variant": self.variant, "rise": self.rise, "error": self.error, "rising": self.rising}


def rises(comparison: Comparison) -> tuple[Rise, ...]:
    """The rise of each variant, in order."""
    key = comparison.metrics.first
    each = {
        variant.name: [last_rise(run.curves.figures.get(key, ())) for run in variant.runs]
        for variant in comparison.variants
    }
    known = {
        name: [one for one in values if one is not None]
        for name, values in each.items()
        if None not in values
    }
    means = {name: sum(values) / len(values) for name, values in known.items()}
    squares = sum((one - means[name]) ** 2 for name, values in known.items() for one in values)
    df = sum(len(values) - 1 for values in known.values())
    deviation = math.sqrt(squares / df) if df else 0.0
    found = []
    for name in each:
        error = deviation / math.sqrt(len(known[name])) if name in known else 0.0
        rise = means.get(name)
        rising = rise is not None and rise > max(comparison.margin, ERRORS * error)
        found.append(Rise(name, rise, error, rising))
    return tuple(found)


def last_rise(points: Points) -> float | None:
    """The rise in the last quarter of a curve; None where that has no beginning.

    >>> last_rise(((1.0, 0.1), (3.0, 0.2), (4.0, 0.5)))
    0.3
    """
    if not points:
        return None
    start = (1 - LAST) * points[-1][0] + NEAR
    before = [value for epoch, value in points[:-1] if epoch <= start]
    return points[-1][1] - before[-1] if before else None


def describe_rises(comparison: Comparison) -> str:
    """A sentence about all variants."""
    word, found = comparison.metrics.word, rises(comparison)
    rising = [one for one in found if one.rising]
    if rising:
        names = ", ".join(f"{label(one.variant)} ({signed(one.rise or 0.0)})" for one in rising)
        return (
            f"{word} was still rising in the last quarter of the training: {names}. This is a comparison of"
            " unfinished trainings: longer ones may come out otherwise."
        )
    if any(one.rise is None for one in found):
        return f"{word} was evaluated too seldom to know whether it was still rising at the end."
    return f"In the last quarter of the training, {word} of no variant rose beyond the margin and its noise."
