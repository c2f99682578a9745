"""Reference. Oracle: a greedy matching in numpy, from COCO's definition; and pycocotools' arrays for AP50."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from darknet_py.scoring.coco import average_precisions, judged
from darknet_py.scoring.operating_point import Counts, counts_by_class

CATEGORIES = (3, 7, 9, 11)  # of 11 there is no truth


def overlap(a: np.ndarray, b: np.ndarray, *, crowd: bool) -> float:
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[:2] + a[2:], b[:2] + b[2:])
    both = float(np.clip(high - low, 0, None).prod())
    return both / float(a[2:].prod() if crowd else a[2:].prod() + b[2:].prod() - both)


def reference(truth: list[dict[str, Any]], results: list[dict[str, Any]], score: float) -> list[int]:
    """Images, boxes, true and false detections of one class."""
    true = false = 0
    for image in {one["image_id"] for one in (*truth, *results)}:
        boxes = [one for one in truth if one["image_id"] == image]
        free = [one for one in boxes if not one["iscrowd"]]
        of_image = [one for one in results if one["image_id"] == image and one["score"] >= score]
        for one in sorted(of_image, key=lambda one: -one["score"]):
            box = np.array(one["bbox"])
            best = max(free, key=lambda t: overlap(box, np.array(t["bbox"]), crowd=False), default=None)
            if best and overlap(box, np.array(best["bbox"]), crowd=False) >= 0.5:
                true += 1
                free.remove(best)
            elif not any(overlap(box, np.array(t["bbox"]), crowd=True) >= 0.5 for t in boxes if t["iscrowd"]):
                false += 1
    counted = [one for one in truth if not one["iscrowd"]]
    return [len({one["image_id"] for one in counted}), len(counted), true, false]


def scene(seed: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Truths, and detections: near ones, moved ones, doubles, and others."""
    draw = np.random.default_rng(seed)
    truth, results = [], []
    for image in range(1, 8):
        for number in range(draw.integers(0, 6)):
            box = np.concatenate([draw.uniform(0, 60, 2), draw.uniform(10, 60, 2)])
            category = int(draw.choice(CATEGORIES[:3]))
            crowd = int(number > 0 and draw.random() < 0.2)
            truth.append({"image_id": image, "category_id": category, "bbox": box.tolist(), "iscrowd": crowd})
            for _ in range(draw.integers(0, 3)):
                moved = box + draw.normal(size=4) * draw.choice([1, 6])
                moved[2:] = np.clip(moved[2:], 3, None)
                results.append({"image_id": image, "category_id": category, "bbox": moved.tolist()})
        for _ in range(3):
            box = np.concatenate([draw.uniform(0, 60, 2), draw.uniform(10, 60, 2)])
            category = int(draw.choice(CATEGORIES))
            results.append({"image_id": image, "category_id": category, "bbox": box.tolist()})
    for one in results:
        one["score"] = float(draw.uniform(0.01, 1))
    for number, one in enumerate(truth, start=1):
        one |= {"id": number, "area": one["bbox"][2] * one["bbox"][3]}
    images = [{"id": image, "width": 128, "height": 128} for image in range(1, 8)]
    categories = [{"id": one, "name": str(one)} for one in CATEGORIES]
    return {"images": images, "annotations": truth, "categories": categories}, results


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("score", [0.25, 0.6])
def test_13_counts_are_those_of_a_greedy_matching(seed: int, score: float) -> None:
    truth, results = scene(seed)
    found = counts_by_class(judged(truth, results), score=score)
    for id_, counts in zip(CATEGORIES, found, strict=True):
        of_class = [one for one in truth["annotations"] if one["category_id"] == id_]
        images, boxes, true, false = reference(
            of_class, [one for one in results if one["category_id"] == id_], score
        )
        assert counts == Counts(images, boxes, true, false)
        assert counts.recall == (true / boxes if boxes else None)
        assert counts.precision == (true / (true + false) if boxes and true + false else None)
        if boxes and true:
            assert counts.precision
            assert counts.recall
            mean = 2 / (1 / counts.precision + 1 / counts.recall)
            assert counts.f1 == pytest.approx(mean)


def test_13_ap50_of_a_class_is_pycocotools_precision_at_an_overlap_of_a_half() -> None:
    judge = judged(*scene(1))
    assert judge.params.iouThrs[0] == 0.5
    found = average_precisions(judge, ious=slice(1))
    arrays = judge.eval["precision"][0, :, :, 0, 2]
    assert found == [*(pytest.approx(arrays[:, k].mean()) for k in range(3)), None]


def test_13_without_truth_there_is_no_share_and_without_detections_no_precision() -> None:
    nothing = Counts(0, 0, 0, 5)
    assert (nothing.precision, nothing.recall, nothing.f1) == (None, None, None)
    unfound = Counts(2, 3, 0, 0)
    assert (unfound.precision, unfound.recall, unfound.f1) == (None, 0, 0)
