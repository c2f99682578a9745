"""Detections that any tool wrote, recognised by their form."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from darknet_py.data.formats.box_units import COCO_UNITS, ORDERS, judge_units
from darknet_py.errors import DataError, quoted
from darknet_py.scoring.results.coco_json import read_coco
from darknet_py.scoring.results.darknet_json import is_darknet, read_darknet
from darknet_py.scoring.results.label_folder import read_labels
from darknet_py.scoring.results.places import Places
from darknet_py.scoring.tables import DetectionTable

LARGEST = 1 << 29  # bytes of a JSON file; a million detections take some 110 MB
CUT = 0.02  # a results list without scores below was cut off
DETECTIONS = "detections.json"  # in the folder of a run
FORMATS = {
    "coco": "COCO results",
    "darknet": "Darknet's -out",
    "labels": "label files",
}


@dataclass(frozen=True)
class FoundResults:
    """Detections of a data set.

    Args:
        path: the file, or the folder of label files.
        format: of `FORMATS`.
        notes: what looks wrong and does not stop the scoring.
    """

    path: Path
    format: str
    table: DetectionTable
    notes: tuple[str, ...] = ()

    @property
    def in_order(self) -> bool:
        """Whether the detections of an image are in the order in which Darknet's `map` counts them."""
        return self.format == "darknet"


def read_results(path: Path, places: Places) -> FoundResults:
    """Read a COCO results list, Darknet's `-out` file, a folder of label files, or of a run.

    Raises: DataError: when it is none of these, or does not belong to the data.
    """
    if path.is_dir() and not (path / DETECTIONS).is_file():
        table, notes = read_labels(path, places)
        kind = "labels"
    else:
        path = path / DETECTIONS if path.is_dir() else path
        entries, notes = _json_list(path), []
        if is_darknet(entries):
            kind, table = "darknet", read_darknet(entries, places, path)
        else:
            kind, table = "coco", read_coco(entries, places, path)
            notes += _unit_notes(table, places, path)
    if repeated := _repetitions(table):
        notes.append(
            f"{repeated:,} of {len(table.scores):,} detections repeat another, box and score; each counts"
        )
    if len(table.scores) and not (table.scores.min() >= 0 and table.scores.max() <= 1):
        least, greatest = table.scores.min(), table.scores.max()
        notes.append(f"scores run from {least:g} to {greatest:g}; thresholds of protocols expect 0 to 1")
    if len(table.scores) and table.scores.min() > CUT:
        notes.append(
            f"the lowest score is {table.scores.min():g}: AP lacks what a lower threshold would have found; "
            "COCO's figures are taken from 0.001, Darknet's map from 0.005"
        )
    return FoundResults(path, kind, table, tuple(notes))


def _json_list(path: Path) -> list[Any]:
    """The list of a JSON file.

    Raises: DataError: when it is too large, or is no such file.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST:
            hint = "a higher score threshold writes fewer detections, and AP hardly changes above 0.001"
            raise DataError(f"has {size:,} bytes, and at most {LARGEST:,} are read", where=path, hint=hint)
        value = json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=path) from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"is not JSON: {quoted(error)}", where=path) from None
    if not isinstance(value, list):
        annotations = isinstance(value, dict) and "annotations" in value
        found = "COCO annotations, the truth" if annotations else f"{quoted(value, limit=40)}"
        hint = "expected a COCO results list, or Darknet's `-out` file"
        raise DataError(f"holds {found}, not a list of detections", where=path, hint=hint)
    return value


def _unit_notes(table: DetectionTable, places: Places, path: Path) -> list[str]:
    """What the boxes look like, where it is something other than x, y, width, height in pixels.

    Raises: DataError: when they are surely in other units.
    """
    if not len(table.scores):
        return []
    verdict = judge_units(table.boxes_xywh, places.sizes[table.images], COCO_UNITS)
    if verdict is None:
        return []
    corners = verdict.units.order == "corners"
    looks = f"{ORDERS['corners']}, as xyxy" if corners else str(verdict.units)
    hint = "COCO results have bbox [x, y, width, height] from the corner, in pixels"
    if corners:
        hint += ": width is x2 - x1, and height y2 - y1"
    word = "are" if verdict.sure else "look like"
    message = f"{verdict.boxes:,} of {verdict.total:,} boxes {word} {looks}, not {COCO_UNITS}"
    if verdict.sure:
        raise DataError(message, where=path, hint=hint)
    return [f"{message}; {hint}"]


def _repetitions(table: DetectionTable) -> int:
    """How many detections equal an earlier one."""
    order = np.lexsort((*table.boxes_xywh.T, table.scores, table.labels, table.images))
    columns = (table.images, table.labels, table.scores, *table.boxes_xywh.T)
    equal = [one[order][1:] == one[order][:-1] for one in columns]
    return int(np.logical_and.reduce(equal).sum()) if len(order) > 1 else 0
