"""COCO's figures of detections, by pycocotools."""

from __future__ import annotations

import contextlib
import copy
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from darknet_py.predict.detections import Detections

if TYPE_CHECKING:
    from pycocotools.cocoeval import COCOeval

FIGURES = ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large")  # the first six of COCOeval.stats


def coco_figures(
    truth: dict[str, Any], results: Sequence[dict[str, Any]]
) -> tuple[list[float | None], dict[int, float | None]]:
    """Score a COCO results list against COCO annotations, without pycocotools' printing.

    Categories are summed in the order of `truth`, whatever their ids: with other ids a figure has the same
    bits.

    Args:
        truth: {"images", "annotations", "categories"}.
        results: [{"image_id", "category_id", "bbox", "score"}]; may be empty.

    Returns:
        The first six of COCOeval's figures (`FIGURES`), and the AP of each category id. None: there is no
        truth.
    """
    judge = judged(truth, results)
    ids = [category["id"] for category in truth["categories"]]
    return figures_of(judge), dict(zip(ids, average_precisions(judge), strict=True))


def judged(truth: dict[str, Any], results: Sequence[dict[str, Any]]) -> COCOeval:
    """pycocotools' matches and precisions of a results list; arguments as those of `coco_figures`.

    Its categories are numbered from 1, in the order of `truth`.
    """
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    number = {category["id"]: at for at, category in enumerate(truth["categories"], start=1)}
    with contextlib.redirect_stdout(io.StringIO()):
        annotated, found = COCO(), COCO()
        annotated.dataset = copy.deepcopy(truth)  # pycocotools writes into what it is given
        for category in annotated.dataset["categories"]:
            category["id"] = number[category["id"]]
        annotated.dataset["annotations"] = _renumbered(annotated.dataset["annotations"], number)
        annotated.createIndex()
        if results:
            found = annotated.loadRes(_renumbered(results, number))
        judge = COCOeval(annotated, found, "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return judge


def figures_of(judge: COCOeval) -> list[float | None]:
    """The first six of COCOeval's figures (`FIGURES`); None where there is no truth."""
    return [None if value < 0 else float(value) for value in judge.stats[: len(FIGURES)]]


def average_precisions(judge: COCOeval, *, ious: slice = slice(None)) -> list[float | None]:
    """The AP of each category; None where there is no truth.

    Args:
        ious: of COCO's ten thresholds of the overlap; `slice(1)` is .5.
    """
    precision = judge.eval["precision"][ious, ..., 0, -1]  # IoU, recall, category; every area, most results
    known = [precision[..., k][precision[..., k] > -1] for k in range(len(judge.params.catIds))]
    return [float(values.mean()) if values.size else None for values in known]


def _renumbered(rows: Sequence[dict[str, Any]], number: Mapping[int, int]) -> list[dict[str, Any]]:
    """Copies of annotations or results, with other category ids."""
    return [{**row, "category_id": number[row["category_id"]]} for row in rows]


def coco_results(detections: Detections, image_id: int, category_ids: Sequence[int]) -> list[dict[str, Any]]:
    """Detections of one image as entries of a COCO results list.

    Args:
        detections: boxes in pixels, clipped to the image.
        image_id: COCO's number of the image.
        category_ids: COCO category of each label.
    """
    return detections.to_coco(image_id, category_ids)
