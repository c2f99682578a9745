"""Average precision by a protocol: of each class, and the mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from darknet_py.scoring.protocols import Outcomes, Protocol, area_under, overlaps
from darknet_py.scoring.tables import DetectionTable, TruthTable


@dataclass(frozen=True)
class AveragePrecision:
    """AP by a protocol, 0..1.

    Args:
        mean: over classes and thresholds; None where there is no truth.
        per_class: of each class; None: it has no truth, and the protocol leaves such classes out.
    """

    mean: float | None
    per_class: tuple[float | None, ...]


def average_precision(truth: TruthTable, found: DetectionTable, protocol: Protocol) -> AveragePrecision:
    """Compute AP by the rules of a protocol."""
    pairs = overlaps(truth, found, protocol)
    rows = []
    for threshold in protocol.thresholds:
        outcomes = pairs.at(threshold)
        rows.append([_class_ap(outcomes, label, protocol) for label in range(len(truth.category_ids))])
    values = np.array(rows, np.float64)
    if protocol.empty_classes:
        values = np.nan_to_num(values)
    means = values.mean(axis=0) if len(rows) else values
    per_class = tuple(None if np.isnan(value) else float(value) for value in means)
    known = [value for value in per_class if value is not None]
    return AveragePrecision(float(np.mean(known)) if known else None, per_class)


def _class_ap(outcomes: Outcomes, label: int, protocol: Protocol) -> float:
    """AP of one class; NaN without a truth."""
    truths = int(outcomes.truths[label])
    if not truths:
        return float("nan")
    part = slice(*np.searchsorted(outcomes.labels, [label, label + 1]))
    true = outcomes.true[part][outcomes.counted[part]]
    return area_under(true, truths, protocol.points)
