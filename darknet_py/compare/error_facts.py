"""The errors among the detections of a finished run, and its figures by properties, for the report."""

from __future__ import annotations

import json

from darknet_py.errors import ReportError
from darknet_py.files.digest import sha256_of
from darknet_py.files.json_fields import file_exists
from darknet_py.runs.errors_file import is_of, write_errors
from darknet_py.runs.folders import RunFolder
from darknet_py.scoring.errors.confusion import confusion
from darknet_py.scoring.errors.costs import error_costs
from darknet_py.scoring.errors.kinds import error_table
from darknet_py.scoring.slices.properties import slices_of
from darknet_py.scoring.tables import detection_table, truth_table
from darknet_py.train.settings import TrainingPlan


def record_errors(plan: TrainingPlan) -> None:
    """Compute the errors of a run's detections, unless that was done before, or there are no detections.

    Raises: ReportError: when the file of detections is damaged.
    """
    run = RunFolder(plan.out)
    if not file_exists(run.detections):
        return
    source = sha256_of(run.detections)
    if is_of(run.errors, detections=source):
        return
    truth = truth_table(plan.val.ground_truth())
    try:
        found = detection_table(truth, json.loads(run.detections.read_bytes()))
    except (ValueError, KeyError, TypeError, IndexError) as error:
        hint = "delete the run's folder"
        raise ReportError(f"is no file of detections: {error}", where=run.detections, hint=hint) from None
    costs = error_costs(error_table(truth, found))
    slices = slices_of(truth, found, plan.val)
    write_errors(run.errors, costs, confusion(truth, found), slices, detections=source)
