"""The scores of finished runs as arrays, with their noise over images: what verdicts are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from darknet_py.errors import ReportError
from darknet_py.files.json_fields import file_exists, read_json_object
from darknet_py.runs.records import Comparison
from darknet_py.scoring.matches import load_matches
from darknet_py.stats.components import Doubles
from darknet_py.stats.covariance import covariance_of_matches, covariance_of_means


@dataclass(frozen=True)
class RunScores:
    """The runs of a comparison, whichever have been finished.

    Args:
        values: (V, S), seeds in order of the comparison's; NaN without a result.
        covariance: over images, (V, S, V, S); NaN likewise.
        images: how many.
    """

    values: Doubles
    covariance: Doubles
    images: int


def scores_of(comparison: Comparison) -> RunScores | None:
    """The first figure of every finished run; None where there is no ground truth to measure it with.

    Raises: ReportError, DataError: when a run has no stored matches, or they are damaged.
    """
    places, files, scores = [], [], []
    detectors = comparison.metrics.task == "detection"
    for row, variant in enumerate(comparison.variants):
        for run in variant.runs:
            places.append((row, comparison.seeds.index(run.seed)))
            files.append(run.folder.matches if detectors else run.folder.hits)
            scores.append(run.scores.metrics[comparison.metrics.first])
    if any(score is None for score in scores):
        return None
    for file in files:
        if not file_exists(file):
            hint = "the same `compare` command writes it"
            raise ReportError("there is none, and verdicts need it", where=file, hint=hint)
    if detectors:
        noise = covariance_of_matches([load_matches(file) for file in files])
    else:
        noise = covariance_of_means([read_json_object(file).counts("hits") for file in files])
    shape = len(comparison.variants), len(comparison.seeds)
    values, covariance = np.full(shape, np.nan), np.full((*shape, *shape), np.nan)
    rows, columns = np.array(places).T
    values[rows, columns] = scores
    covariance[rows[:, None], columns[:, None], rows, columns] = noise.covariance
    return RunScores(values, covariance, len(noise.image_ids))
