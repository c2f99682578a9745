"""Reference. Oracles: pycocotools; the VOC kit and Darknet's `map` as loops, in `tests/reference/`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from darknet_py.scoring.average_precision import average_precision
from darknet_py.scoring.coco import coco_figures
from darknet_py.scoring.darknet_map import darknet_map
from darknet_py.scoring.explain import explain
from darknet_py.scoring.protocols import COCO, DARKNET, PROTOCOLS, VOC07, VOC12
from darknet_py.scoring.tables import DetectionTable, TruthTable, detection_table, truth_table
from tests.reference import darknet_map as darknet
from tests.reference import voc
from tests.scoring.drawn import Results, Truth, drawn


def tables(truth: Truth, results: Results) -> tuple[TruthTable, DetectionTable]:
    table = truth_table(truth)
    return table, detection_table(table, results)


def voc_corners(box: list[float]) -> list[float]:
    """Pixels that count from 1, the last one included."""
    x, y, w, h = box
    return [x + 1, y + 1, x + w, y + h]


def voc_reference(truth: Truth, results: Results, category: int, *, iou: float, year: int) -> float | None:
    truths: dict[int, list[tuple[list[float], bool]]] = {}
    for one in truth["annotations"]:
        if one["category_id"] == category:
            row = (voc_corners(one["bbox"]), bool(one["iscrowd"]))
            truths.setdefault(one["image_id"], []).append(row)
    if all(difficult for rows in truths.values() for _, difficult in rows):
        return None
    of_class = [one for one in results if one["category_id"] == category]
    found = [(one["image_id"], one["score"], voc_corners(one["bbox"])) for one in of_class]
    return voc.average_precision(truths, found, least_iou=iou, year=year)


@pytest.mark.parametrize(("protocol", "year"), [(VOC07, 2007), (VOC12, 2012)])
def test_voc_is_the_kit_with_difficult_objects_passed_over(protocol: Any, year: int) -> None:
    compared = 0
    for seed in range(60):
        truth, results = drawn(seed)
        results = results[:150]
        for iou in (0.5, 0.7):
            found = average_precision(*tables(truth, results), replace(protocol, thresholds=(iou,)))
            for category, ap in zip(truth["categories"], found.per_class, strict=True):
                expected = voc_reference(truth, results, category["id"], iou=iou, year=year)
                compared += bool(expected)
                assert ap == (None if expected is None else pytest.approx(expected, abs=1e-12)), seed
    assert compared > 80


def darknet_reference(truth: Truth, results: Results, **settings: Any) -> dict[str, Any]:
    """Boxes by falling score; each has one class, so this is the order in which NMS leaves them."""
    label = {category["id"]: k for k, category in enumerate(truth["categories"])}
    truths, dets = [], []
    for image in truth["images"]:
        of_image = [one for one in truth["annotations"] if one["image_id"] == image["id"]]
        kept = [one for one in of_image if not one["iscrowd"]]
        truths.append([(label[one["category_id"]], one["bbox"]) for one in kept])
        found = [one for one in results if one["image_id"] == image["id"] and one["score"] >= 0.005]
        rows = []
        for one in sorted(found, key=lambda one: -one["score"]):
            rows.append(
                (one["bbox"], [one["score"] * (k == label[one["category_id"]]) for k in label.values()])
            )
        dets.append(rows)
    return darknet.detector_map(truths, dets, len(label), **settings)


@pytest.mark.parametrize(("iou", "points"), [(0.5, 0), (0.5, 11), (0.75, 101)])
def test_darknets_map_is_its_loops(iou: float, points: int) -> None:
    for seed in range(40):
        truth, results = drawn(seed)
        draw = np.random.default_rng(seed)
        for one in results:  # a box of its own, for one class
            one["bbox"][0] += draw.random() * 1e-6
        results = [{**one, "score": draw.random()} for one in results[:120]]
        names = [category["name"] for category in truth["categories"]]
        found = darknet_map(*tables(truth, results), names, iou=iou, points=points, threshold=0.3).to_json()
        expected = darknet_reference(truth, results, thresh=0.3, iou_thresh=iou, map_points=points)
        assert found["map"] == pytest.approx(expected["map"], abs=1e-12), seed
        assert [*found["per_class"].values()] == pytest.approx(expected["ap"], abs=1e-12)
        assert [found[key] for key in ("tp", "fp", "fn")] == [expected[key] for key in ("tp", "fp", "fn")]
        assert found["average_iou"] == pytest.approx(expected["average_iou"])


def one_image(rows: list[tuple[int, list[float], float]]) -> tuple[Truth, Results]:
    """A truth of class 1, and detections: category, box, score."""
    box = [10.0, 10.0, 40.0, 40.0]
    truth = {"id": 1, "image_id": 1, "category_id": 1, "bbox": box, "area": 1600.0, "iscrowd": 0}
    categories = [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]
    images = [{"id": 1, "width": 100, "height": 100, "file_name": "1.png"}]
    results = [{"image_id": 1, "category_id": c, "bbox": b, "score": s} for c, b, s in rows]
    return {"images": images, "annotations": [truth], "categories": categories}, results


def test_darknet_counts_a_truth_for_the_box_that_nms_sorted_first_whatever_its_score() -> None:
    near, exact = [12.0, 10.0, 40.0, 40.0], [10.0, 10.0, 40.0, 40.0]
    truth, results = one_image([(1, exact, 0.9), (1, near, 0.1), (2, near, 0.05)])
    counts = darknet_map(*tables(truth, results), ["a", "b"]).to_json()
    # the box of 0.1 also has a score of the last class, so it comes first and takes the truth
    assert (counts["tp"], counts["fp"], counts["fn"]) == (0, 1, 1)
    assert counts["f1"] == 0
    alone = darknet_map(*tables(*one_image([(1, exact, 0.9), (1, near, 0.1)])), ["a", "b"]).to_json()
    assert (alone["tp"], alone["fp"], alone["average_iou"]) == (1, 0, 1)
    assert counts["map"] == alone["map"] == 0.5  # the class without truth counts as 0
    in_file = darknet_map(*tables(truth, results), ["a", "b"], in_order=True).to_json()
    assert (in_file["tp"], in_file["fp"]) == (1, 0)


def test_darknet_needs_an_iou_above_the_threshold_and_the_others_one_that_reaches_it() -> None:
    half = [10.0, 10.0, 40.0, 20.0]  # IoU 0.5
    found = tables(*one_image([(1, half, 0.9)]))
    assert average_precision(*found, DARKNET).mean == 0
    assert average_precision(*found, VOC12).mean == 1
    assert average_precision(*found, replace(COCO, thresholds=(0.5,))).mean == pytest.approx(1)


def test_a_detection_of_a_taken_truth_is_false_in_voc_and_takes_the_next_in_coco() -> None:
    truth, results = one_image([(1, [10, 10, 40, 40], 0.9), (1, [10, 11, 40, 40], 0.8)])
    second = {**truth["annotations"][0], "id": 2, "bbox": [10.0, 16.0, 40.0, 40.0]}
    truth["annotations"].append(second)
    found = tables(truth, results)
    assert average_precision(*found, VOC12).per_class[0] == 0.5
    assert average_precision(*found, DARKNET).per_class[0] == 0.5
    assert average_precision(*found, replace(COCO, thresholds=(0.5,))).per_class[0] == pytest.approx(1)


def test_the_best_f1_is_that_of_the_score_that_gives_it() -> None:
    far = [60.0, 60.0, 20.0, 20.0]
    truth, results = one_image([(1, far, 0.9), (1, [10, 10, 40, 40], 0.5), (1, far, 0.5), (1, far, 0.2)])
    figures = darknet_map(*tables(truth, results), ["a", "b"]).to_json()
    assert figures["best_f1"] == {"f1": 0.5, "threshold": 0.5}
    assert darknet_map(*tables(truth, []), ["a", "b"]).to_json()["best_f1"] is None


def test_without_detections_and_without_truths_there_are_zeros_and_no_shares() -> None:
    truth, results = one_image([(1, [10, 10, 40, 40], 0.9)])
    nothing = darknet_map(*tables(truth, []), ["a", "b"]).to_json()
    assert [nothing[key] for key in ("map", "precision", "recall", "f1", "fn")] == [0, None, 0, 0, 1]
    truth["annotations"] = []
    untrue = darknet_map(*tables(truth, results), ["a", "b"]).to_json()
    assert [untrue[key] for key in ("map", "precision", "recall", "f1", "fp")] == [0, 0, None, 0, 1]
    assert average_precision(*tables(truth, results), VOC07).mean is None


def test_cocos_rules_as_settings_give_pycocotools_ap() -> None:
    for seed in range(40):
        truth, results = drawn(seed)
        figures, of_class = coco_figures(truth, results)
        found = average_precision(*tables(truth, results), COCO)
        assert found.mean == (None if figures[0] is None else pytest.approx(figures[0], abs=1e-12)), seed
        expected = [None if ap is None else pytest.approx(ap, abs=1e-12) for ap in of_class.values()]
        assert [*found.per_class] == expected


@pytest.mark.parametrize(("first", "last"), [("coco", "darknet"), ("darknet", "voc07"), ("voc12", "coco")])
def test_the_steps_between_protocols_add_up_to_the_gap_in_both_directions(first: str, last: str) -> None:
    moved = 0
    for seed in range(25):
        found = tables(*drawn(seed))
        ends = [average_precision(*found, PROTOCOLS[name]).mean or 0.0 for name in (first, last)]
        for start, end in (ends, ends[::-1]):
            names = (first, last) if [start, end] == ends else (last, first)
            ap, steps = explain(*found, PROTOCOLS[names[0]], PROTOCOLS[names[1]])
            assert ap == start
            assert sum(step.change for step in steps) == pytest.approx(end - start, abs=1e-9)
            assert [step.ap for step in steps][-1:] == [pytest.approx(end, abs=1e-12)]
            moved += sum(step.change != 0 for step in steps) > 1
    assert moved > 20


def test_a_step_names_its_rule_with_both_values() -> None:
    _, steps = explain(*tables(*drawn(3)), VOC07, VOC12)
    assert [step.to_json() | {"ap": 0, "change": 0} for step in steps] == [
        {"rule": "points", "from": 11, "to": 0, "ap": 0, "change": 0}
    ]
