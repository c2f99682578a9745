"""Whether a score of .8 means that 8 of 10 detections are true.

Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", ICML 2017, arXiv:1706.04599.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from darknet_py.scoring.protocols import Outcomes

BINS = 10


@dataclass(frozen=True)
class Bin:
    """The detections with a score from `low` to below `high`; the last bin has 1 itself.

    Args:
        score: the mean; None for an empty bin.
        true: the share of true detections; None for an empty bin.
    """

    low: float
    high: float
    count: int
    score: float | None
    true: float | None


@dataclass(frozen=True)
class Calibration:
    """Scores and shares of true detections.

    Args:
        error: the expected calibration error: the difference between score and share of true detections, as
            the mean over detections; None without any.
        greatest: the greatest difference in a bin.
    """

    bins: tuple[Bin, ...]
    error: float | None
    greatest: float | None

    def to_json(self) -> dict[str, Any]:
        """All figures."""
        bins = [
            {"from": one.low, "to": one.high, "count": one.count, "score": one.score, "true": one.true}
            for one in self.bins
        ]
        return {"expected_error": self.error, "greatest_error": self.greatest, "bins": bins}


def calibration(outcomes: Outcomes, *, bins: int = BINS, least_score: float = 0.0) -> Calibration:
    """Compare scores with the shares of true detections, in bins of equal width.

    Args:
        least_score: detections below are left out. There are many of them, and they dominate the mean.
    """
    chosen = outcomes.counted & (outcomes.scores >= least_score)
    scores, true = outcomes.scores[chosen], outcomes.true[chosen]
    at = np.clip((scores * bins).astype(np.int64), 0, bins - 1)
    counts = np.bincount(at, minlength=bins)
    score_sums, true_sums = np.bincount(at, scores, bins), np.bincount(at, true, bins)
    parts, differences = [], []
    for number, count in enumerate(counts.tolist()):
        means = (
            (float(score_sums[number]) / count, float(true_sums[number]) / count) if count else (None, None)
        )
        parts.append(Bin(number / bins, (number + 1) / bins, count, *means))
        if means[0] is not None and means[1] is not None:
            differences.append((count, abs(means[0] - means[1])))
    if not differences:
        return Calibration(tuple(parts), None, None)
    error = sum(count * difference for count, difference in differences) / len(scores)
    return Calibration(tuple(parts), error, max(difference for _, difference in differences))
