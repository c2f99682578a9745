"""Truth and detections of a data set as arrays, one row a box, from COCO's annotations and results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]
FoundRows = tuple[int, npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]


@dataclass(frozen=True)
class TruthTable:
    """The annotated boxes of a data set, in the order of the file.

    Args:
        image_ids: in ascending order.
        category_ids: in the order in which classes are summed.
        images, labels: of each box, indices of the ids, (B,).
        boxes_xywh: in pixels from the corner, (B, 4).
        areas: of the annotated object, in square pixels, (B,).
        crowds: whether a box surrounds many objects, so that detections inside do not count, (B,).
    """

    image_ids: Ints
    category_ids: Ints
    images: Ints
    labels: Ints
    boxes_xywh: Doubles
    areas: Doubles
    crowds: Booleans


@dataclass(frozen=True)
class DetectionTable:
    """The detections of a data set, in the order of the results.

    Args:
        images, labels: indices of the truth's `image_ids` and `category_ids`, (B,).
        boxes_xywh: in pixels from the corner, (B, 4).
        scores: (B,).
    """

    images: Ints
    labels: Ints
    boxes_xywh: Doubles
    scores: Doubles


def truth_table(truth: Mapping[str, Any]) -> TruthTable:
    """The arrays of COCO annotations: {"images", "annotations", "categories"}.

    Classes keep the order of `categories`; pycocotools takes them by ascending id.
    """
    image_ids = np.unique([image["id"] for image in truth["images"]]).astype(np.int64)
    category_ids = np.array([category["id"] for category in truth["categories"]], np.int64)
    boxes = truth["annotations"]
    return TruthTable(
        image_ids,
        category_ids,
        _indices(image_ids, [one["image_id"] for one in boxes]),
        _indices(category_ids, [one["category_id"] for one in boxes]),
        np.array([one["bbox"] for one in boxes], np.float64).reshape(-1, 4),
        np.array([one["area"] for one in boxes], np.float64),
        np.array([bool(one.get("iscrowd", 0)) for one in boxes], np.bool_),
    )


def detection_table(truth: TruthTable, results: Sequence[Mapping[str, Any]]) -> DetectionTable:
    """The arrays of a COCO results list, whose images and categories are those of the truth."""
    return DetectionTable(
        _indices(truth.image_ids, [one["image_id"] for one in results]),
        _indices(truth.category_ids, [one["category_id"] for one in results]),
        np.array([one["bbox"] for one in results], np.float64).reshape(-1, 4),
        np.array([one["score"] for one in results], np.float64),
    )


def table_of_arrays(
    truth: TruthTable, found: Iterable[FoundRows], category_ids: Sequence[int]
) -> DetectionTable:
    """The same from arrays, rounded as in a COCO results list.

    Args:
        found: of each image its id, boxes_xywh (B, 4), scores (B,) and labels (B,).
        category_ids: of each label.
    """
    ids, boxes_xywh, scores, labels = zip(*found, strict=True)
    images = np.repeat(_indices(truth.image_ids, ids), [len(one) for one in scores])
    classes = _indices(truth.category_ids, category_ids)
    return DetectionTable(
        images,
        classes[np.concatenate(labels).astype(np.int64)],
        np.concatenate(boxes_xywh).astype(np.float64).round(3).reshape(-1, 4),
        np.concatenate(scores).astype(np.float64).round(6),
    )


def _indices(ids: Ints, wanted: Sequence[int]) -> Ints:
    order = np.argsort(ids)
    at = np.searchsorted(ids[order], np.array(wanted, np.int64))
    return order[at]
