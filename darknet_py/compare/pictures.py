"""The images that a comparison rests on, stored small with what each run finds in them.

The report is made from folders alone, where the data need not be: so the images are chosen and kept here.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from darknet_py.data.dataset import Dataset, Record
from darknet_py.data.formats.labelled.base import Labelled
from darknet_py.errors import ReportError
from darknet_py.files.atomic import publish_bytes
from darknet_py.files.digest import sha256_of
from darknet_py.files.json_fields import file_exists, read_json_object
from darknet_py.runs.folders import ComparisonFolder, RunFolder
from darknet_py.runs.pictures_file import (
    FoundBox,
    FoundInImage,
    StoredPicture,
    TruthBox,
    pictures_are_of,
    write_pictures,
)
from darknet_py.scoring.influence import influences
from darknet_py.scoring.matches import load_matches
from darknet_py.scoring.operating_point import IOU, SCORE
from darknet_py.scoring.protocols import COCO, overlaps
from darknet_py.scoring.tables import DetectionTable, Doubles, TruthTable, detection_table, truth_table
from darknet_py.stats.covariance import covariance_of_means
from darknet_py.stats.evidence import choose_images
from darknet_py.train.settings import TrainingPlan

SIDE, QUALITY = 320, 74  # of a stored image: its longer side in pixels, at most
MOST_TRUE, MOST_FALSE = 40, 12  # boxes of one run in an image
DIGITS = 1  # of a box, in pixels


def record_pictures(plans: Sequence[TrainingPlan], folder: ComparisonFolder) -> None:
    """Choose images by all runs and store them, unless that was done before; nothing of a single variant.

    Args:
        plans: all runs.

    Raises: DarknetPyError: when a file of a run is damaged, or an image cannot be read.
    """
    runs = {(plan.name, plan.seed): RunFolder(plan.out) for plan in plans}
    runs = {key: run for key, run in runs.items() if run.finished}
    names, val = list(dict.fromkeys(name for name, _ in runs)), plans[0].val
    files = {key: run.hits if isinstance(val, Labelled) else run.matches for key, run in runs.items()}
    if len(names) < 2 or not all(map(file_exists, files.values())):
        return
    sources = {f"{name}/seed-{seed}": sha256_of(file) for (name, seed), file in files.items()}
    if pictures_are_of(folder.pictures, sources):
        return
    moved, scores = _influences(list(files.values()), val)
    rows = [[at for at, (one, _) in enumerate(files) if one == name] for name in names]
    means = np.array([moved[some].mean(axis=0) for some in rows])
    chosen = choose_images(means, [float(scores[some].mean()) for some in rows]).pictures
    folder.pictures.mkdir(exist_ok=True)
    pictures = _labelled(val, runs, chosen) if isinstance(val, Labelled) else _detected(val, runs, chosen)
    for number, (at, _) in enumerate(_records(val, chosen)):
        publish_bytes(folder.pictures / f"{number}.jpg", small_jpeg(val.pixels(at)))
    write_pictures(folder.pictures, pictures, sources=sources)


def small_jpeg(pixels: np.ndarray) -> bytes:
    """An image whose longer side has `SIDE` pixels or fewer."""
    from PIL import Image

    target = io.BytesIO()
    small = Image.fromarray(pixels)
    small.thumbnail((SIDE, SIDE))
    small.save(target, "JPEG", quality=QUALITY, optimize=True)
    return target.getvalue()


def _influences(files: Sequence[Path], val: Dataset) -> tuple[Doubles, Doubles]:
    """How much each image moves the score of each run, and the scores; images in the order of their ids."""
    if isinstance(val, Labelled):
        noise = covariance_of_means([read_json_object(file).counts("hits") for file in files])
        return noise.influences(), noise.values
    matches = [load_matches(file) for file in files]
    scores = [
        read_json_object(file.parent / "result.json").child("scores").score("ap") or 0.0 for file in files
    ]
    return np.array([influences(one) for one in matches]), np.array(scores)


def _records(val: Dataset, chosen: Sequence[int]) -> list[tuple[int, Record]]:
    """Position and record of images by their ranks among the ids, which of classifiers are positions."""
    order = sorted(range(len(val)), key=lambda at: val.record(at).image_id)
    return [(order[rank], val.record(order[rank])) for rank in chosen]


def _labelled(
    val: Labelled, runs: dict[tuple[str, int], RunFolder], chosen: Sequence[int]
) -> list[StoredPicture]:
    predicted = {key: json.loads(run.predictions.read_bytes()) for key, run in runs.items()}
    return [
        StoredPicture(
            at,
            record.name,
            (record.width, record.height),
            Path(),
            (TruthBox(tuple(record.boxes_xywh[0].tolist()), int(val.labels[at]), False),),
            {key: FoundInImage(label=int(labels[at])) for key, labels in predicted.items()},
        )
        for at, record in _records(val, chosen)
    ]


def _detected(
    val: Dataset, runs: dict[tuple[str, int], RunFolder], chosen: Sequence[int]
) -> list[StoredPicture]:
    records = [record for _, record in _records(val, chosen)]
    ids = {record.image_id for record in records}
    content = val.ground_truth()
    content["images"] = [one for one in content["images"] if one["id"] in ids]
    content["annotations"] = [one for one in content["annotations"] if one["image_id"] in ids]
    truth = truth_table(content)
    found = {key: _found(truth, _detections(truth, run, ids)) for key, run in runs.items()}
    places = {int(identity): at for at, identity in enumerate(truth.image_ids)}
    pictures = []
    for record in records:
        place = places[record.image_id]
        own = np.flatnonzero(truth.images == place)
        pictures.append(
            StoredPicture(
                record.image_id,
                record.name,
                (record.width, record.height),
                Path(),
                tuple(
                    TruthBox(_rounded(truth.boxes_xywh[at]), int(truth.labels[at]), bool(truth.crowds[at]))
                    for at in own
                ),
                {key: tables[place] for key, tables in found.items()},
            )
        )
    return pictures


def _detections(truth: TruthTable, run: RunFolder, ids: set[int]) -> DetectionTable:
    try:
        results: list[dict[str, Any]] = json.loads(run.detections.read_bytes())
        return detection_table(truth, [one for one in results if one["image_id"] in ids])
    except (ValueError, KeyError, TypeError, IndexError) as error:
        hint = "delete the run's folder"
        raise ReportError(f"is no file of detections: {error}", where=run.detections, hint=hint) from None


def _found(truth: TruthTable, detections: DetectionTable) -> list[FoundInImage]:
    """What a run finds in each image of the truth."""
    pairs = overlaps(truth, detections, COCO)
    outcomes, boxes = pairs.at(IOU), pairs.found.boxes_xywh
    by_score = np.argsort(-outcomes.scores, kind="stable")
    false = outcomes.counted & ~outcomes.true & (outcomes.scores >= SCORE)
    images = []
    for image in range(len(truth.image_ids)):
        here = by_score[outcomes.images[by_score] == image]
        true = here[outcomes.true[here]]
        kept = [*true[:MOST_TRUE], *here[false[here]][:MOST_FALSE]]
        own = np.flatnonzero(truth.images == image)
        missed = ~np.isin(own, outcomes.got[true]) & ~truth.crowds[own]
        images.append(
            FoundInImage(
                tuple(
                    FoundBox(
                        _rounded(boxes[at]),
                        int(outcomes.labels[at]),
                        float(outcomes.scores[at]),
                        bool(outcomes.true[at]),
                    )
                    for at in kept
                ),
                tuple(np.flatnonzero(missed).tolist()),
            )
        )
    return images


def _rounded(box: Doubles) -> tuple[float, ...]:
    return tuple(round(float(number), DIGITS) for number in box)
