"""What a verdict needs of a finished run: the matches of a detector, the hits of a classifier."""

from __future__ import annotations

import json

from darknet_py.data.formats.labelled.base import Labelled
from darknet_py.errors import ReportError
from darknet_py.files.digest import sha256_of
from darknet_py.files.json_fields import file_exists, read_json_object
from darknet_py.runs.folders import RunFolder
from darknet_py.runs.log import write_json
from darknet_py.scoring.matching import match
from darknet_py.scoring.tables import detection_table, truth_table
from darknet_py.train.settings import TrainingPlan

HINT = "delete the run's folder"


def record_matches(plan: TrainingPlan) -> None:
    """Match the detections of a run that has none stored, as runs of earlier versions.

    Raises: ReportError: when the file of detections is damaged.
    """
    run = RunFolder(plan.out)
    if file_exists(run.matches) or not file_exists(run.detections):
        return
    truth = truth_table(plan.val.ground_truth())
    try:
        found = detection_table(truth, json.loads(run.detections.read_bytes()))
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise ReportError(f"is no file of detections: {error}", where=run.detections, hint=HINT) from None
    match(truth, found).save(run.matches)


def record_hits(plan: TrainingPlan) -> None:
    """Write which images a classifier is right about, unless that was done before.

    Raises: ReportError: when the file of predictions is damaged.
    """
    run = RunFolder(plan.out)
    if not isinstance(plan.val, Labelled) or not file_exists(run.predictions):
        return
    source = sha256_of(run.predictions)
    if file_exists(run.hits) and read_json_object(run.hits).text("predictions") == source:
        return
    labels = plan.val.labels.tolist()
    try:
        predicted = json.loads(run.predictions.read_bytes())
        hits = [int(one == label) for one, label in zip(predicted, labels, strict=True)]
    except (ValueError, TypeError) as error:
        raise ReportError(f"is no file of predictions: {error}", where=run.predictions, hint=HINT) from None
    write_json(run.hits, {"predictions": source, "hits": hits})
