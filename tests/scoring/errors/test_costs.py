"""Kinds of errors and their costs. Oracle: tidecv 1.0.1 on the data of `drawn.py`, recorded by

    from tidecv import TIDE, Data
    from tidecv.errors.qualifiers import AREA
    truth, results = drawn()
    gt, dt = Data("gt"), Data("dt")
    for image in truth["images"]:
        gt.add_image(image["id"], image["file_name"])
    for one in truth["annotations"]:
        gt.add_ground_truth(one["image_id"], one["category_id"], one["bbox"])
    for one in results:
        dt.add_detection(one["image_id"], one["category_id"], one["score"], one["bbox"])
    run = TIDE().evaluate(gt, dt, mode=TIDE.BOX)
    print(run.ap, run.fix_main_errors(), run.fix_special_errors(), run.count_errors())
    print([run.fix_main_errors(qual=size) for size in AREA])

and small cases counted by hand.
"""

from __future__ import annotations

from typing import Any

import pytest

from darknet_py.scoring.errors.costs import ErrorCosts, error_costs
from darknet_py.scoring.errors.kinds import KINDS, ErrorKind, error_table
from darknet_py.scoring.tables import detection_table, truth_table
from tests.scoring.errors.drawn import drawn, one_image

AP = 38.84949080117934
COUNTS = (10, 11, 6, 21, 12, 10)
COSTS = (5.726249053025832, 11.218709013307603, 0.9964350617619644, 5.230412520618756, 3.3681406075995213,
         10.063328175886824)  # fmt: skip
FALSE_POSITIVES, FALSE_NEGATIVES = 27.81717586548733, 15.550461851660408
BY_SIZE = {
    "small": (4.771010672044895, 1.8163395286897028, 0.5375236771797418, 1.0218796309502167,
              0.3936927951981417, 4.701823290906994),
    "medium": (0.40609033680139106, 4.7339775569687035, 0.06954420932289196, 2.077775038560013,
               1.49875170792523, 1.3024254806433078),
    "large": (0.3796876965373599, 3.673620364106803, 0.3164600079808011, 1.4356292518873275,
              0.7760903909939856, 2.0271277511775807),
}  # fmt: skip
A, B, C = (0, 0, 40, 40), (100, 0, 40, 40), (200, 0, 40, 40)


def costs_of(truth: dict[str, Any], results: list[dict[str, Any]]) -> ErrorCosts:
    table = truth_table(truth)
    return error_costs(error_table(table, detection_table(table, results)))


def test_costs_counts_and_sizes_are_those_of_tidecv() -> None:
    costs = costs_of(*drawn())
    assert costs.ap50 == pytest.approx(AP / 100, abs=1e-12)
    assert tuple(one.count for one in costs.kinds) == COUNTS
    assert [100 * (one.cost or 0) for one in costs.kinds] == pytest.approx(COSTS, abs=1e-6)
    for size, expected in BY_SIZE.items():
        assert [100 * (one.by_size[size] or 0) for one in costs.kinds] == pytest.approx(expected, abs=1e-6)
    assert costs.false_positives == pytest.approx(FALSE_POSITIVES / 100, abs=1e-8)
    assert costs.false_negatives == pytest.approx(FALSE_NEGATIVES / 100, abs=1e-8)


def test_classes_and_sizes_add_up() -> None:
    costs = costs_of(*drawn())
    for one in costs.kinds:
        assert one.cost == pytest.approx(sum(value or 0 for value in one.per_class) / 3)
        assert sum(one.counts_by_size.values()) == one.count
    assert (
        costs.to_json()["kinds"]["missed"]["by_size"]["small"]["count"]
        == (costs.kinds[-1].counts_by_size["small"])
    )


@pytest.mark.parametrize(
    ("kind", "category", "box"),
    [
        (ErrorKind.DUPLICATE, 1, A),
        (ErrorKind.LOCALISATION, 1, (0, 0, 40, 19)),  # IoU .475
        (ErrorKind.CLASSIFICATION, 2, A),
        (ErrorKind.BOTH, 2, (0, 0, 40, 19)),
        (ErrorKind.BACKGROUND, 1, (0, 0, 40, 3)),  # IoU .075
        (ErrorKind.BACKGROUND, 1, C),
    ],
)
def test_a_false_detection_has_the_kind_that_is_drawn(
    kind: ErrorKind, category: int, box: tuple[int, ...]
) -> None:
    truth, results = one_image([(1, A), (2, B)], [(1, A, 0.9), (category, box, 0.8)])
    table = truth_table(truth)
    found = error_table(table, detection_table(table, results))
    assert sorted(found.kinds.tolist()) == [-1, KINDS.index(kind)]
    assert found.missed.tolist() == [False, True]


def test_of_detections_about_one_object_the_best_becomes_true() -> None:
    near = (0, 0, 40, 19)
    costs = costs_of(*one_image([(1, A), (1, C)], [(1, near, 0.9), (1, near, 0.8), (1, C, 0.7)]))
    localisation = costs.kinds[KINDS.index(ErrorKind.LOCALISATION)]
    assert (localisation.count, costs.ap50) == (2, pytest.approx(1 / 3 * 51 / 101))
    assert localisation.cost == pytest.approx(1 - 1 / 3 * 51 / 101)


def test_a_detection_in_a_crowd_is_no_error() -> None:
    truth, results = one_image([(1, A), (2, C)], [(1, A, 0.9), (2, B, 0.8), (2, B, 0.7), (2, C, 0.6)])
    counted = costs_of(truth, results)
    truth["annotations"].append({**truth["annotations"][1], "bbox": list(B), "iscrowd": 1})
    ignored = costs_of(truth, results)
    assert (sum(one.count for one in counted.kinds), sum(one.count for one in ignored.kinds)) == (2, 0)
    assert ignored.ap50 == pytest.approx(1)


def test_a_class_that_is_missed_keeps_its_weight_in_the_mean() -> None:
    costs = costs_of(*one_image([(1, A), (2, B)], [(1, A, 0.9)]))
    assert (costs.ap50, costs.kinds[-1].count, costs.kinds[-1].cost) == (pytest.approx(0.5), 1, 0)


@pytest.mark.parametrize("boxes", [[], [(1, A)]])
def test_without_detections_nothing_is_false(boxes: list[Any]) -> None:
    costs = costs_of(*one_image(boxes, []))
    assert [one.count for one in costs.kinds] == [0, 0, 0, 0, 0, len(boxes)]
    assert costs.ap50 == (0 if boxes else None)
