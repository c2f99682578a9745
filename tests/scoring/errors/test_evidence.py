"""Confusion, calibration, images and labels. Oracle: hotcoco 1.3.0 on the data of `drawn.py`, recorded by

    gt = hotcoco.COCO(truth)
    judge = hotcoco.COCOeval(gt, gt.load_res(results), "bbox")
    judge.evaluate()
    print(judge.confusion_matrix(min_score=0.25)["matrix"], judge.calibration())

and small cases counted by hand.
"""

from __future__ import annotations

from typing import Any

import pytest

from darknet_py.scoring.errors.calibration import calibration
from darknet_py.scoring.errors.confusion import confusion
from darknet_py.scoring.errors.images import image_losses
from darknet_py.scoring.errors.kinds import ErrorTable, error_table
from darknet_py.scoring.errors.suspects import undetected, unlabelled
from darknet_py.scoring.tables import detection_table, truth_table
from tests.scoring.errors.drawn import drawn, one_image

CONFUSION = [[5, 0, 0, 8], [1, 7, 1, 8], [3, 1, 13, 2], [15, 16, 14, 0]]
BIN_COUNTS = [8, 6, 11, 11, 6, 7, 9, 10, 14, 12]
EXPECTED_ERROR, GREATEST_ERROR = 0.2876476238183702, 0.5239329134212144
A, B, C = (0, 0, 40, 40), (100, 0, 40, 40), (200, 0, 40, 40)


def table_of(truth: dict[str, Any], results: list[dict[str, Any]]) -> ErrorTable:
    table = truth_table(truth)
    return error_table(table, detection_table(table, results))


def test_confusion_is_hotcocos() -> None:
    truth, results = drawn()
    table = truth_table(truth)
    assert confusion(table, detection_table(table, results)).matrix.tolist() == CONFUSION


def test_confusion_ignores_a_crowd_and_lists_pairs() -> None:
    truth, results = one_image([(1, A), (1, B)], [(2, A, 0.9), (1, B, 0.2), (1, C, 0.8)])
    table = truth_table(truth)
    found = confusion(table, detection_table(table, results))
    assert found.matrix.tolist() == [[0, 1, 1], [0, 0, 0], [1, 0, 0]]
    assert found.greatest(5) == [(0, 1, 1)]
    assert found.most_errors(1) == [0]
    truth["annotations"].append({**truth["annotations"][1], "bbox": list(C), "iscrowd": 1})
    table = truth_table(truth)
    assert confusion(table, detection_table(table, results)).matrix.tolist()[2] == [0, 0, 0]


def test_calibration_is_hotcocos() -> None:
    found = calibration(table_of(*drawn()).outcomes)
    assert [one.count for one in found.bins] == BIN_COUNTS
    assert found.error == pytest.approx(EXPECTED_ERROR, abs=1e-12)
    assert found.greatest == pytest.approx(GREATEST_ERROR, abs=1e-12)


def test_calibration_from_a_score_on_and_of_nothing() -> None:
    outcomes = table_of(*one_image([(1, A)], [(1, A, 1.0), (1, C, 0.5), (1, B, 0.1)])).outcomes
    found = calibration(outcomes, least_score=0.25)
    assert [(one.low, one.count, one.score, one.true) for one in found.bins if one.count] == [
        (0.5, 1, 0.5, 0.0),
        (0.9, 1, 1.0, 1.0),
    ]
    assert found.error == pytest.approx(0.25)
    assert calibration(outcomes, least_score=2).error is None


def test_the_loss_of_an_image_adds_what_is_unsure_unfound_and_false() -> None:
    table = table_of(*one_image([(1, A), (1, B)], [(1, A, 0.9), (1, C, 0.3), (2, C, 0.2)]))
    (loss,) = image_losses(table)
    assert (loss.image, loss.unfound) == (0, 1)
    assert (loss.unsure, loss.false, loss.loss) == pytest.approx((0.1, 0.5, 1.6))


def test_images_come_with_the_greatest_loss_first() -> None:
    table = table_of(*drawn())
    losses = image_losses(table)
    assert [one.loss for one in losses] == sorted((one.loss for one in losses), reverse=True)
    outcomes = table.outcomes
    false = outcomes.counted & ~outcomes.true
    expected = (1 - outcomes.scores[outcomes.true]).sum() + outcomes.scores[false].sum()
    assert sum(one.loss for one in losses) == pytest.approx(expected + table.unfound.sum())
    assert len(image_losses(table, most=2)) == 2


def test_suspicious_labels_are_confident_detections_and_objects_without_any() -> None:
    found = [(1, A, 0.9), (1, C, 0.8), (2, B, 0.7), (1, (0, 100, 40, 40), 0.3)]
    table = table_of(*one_image([(1, A), (1, B), (2, (200, 100, 40, 40)), (2, (100, 100, 90, 90))], found))
    assert [table.found.scores[at] for at in unlabelled(table)] == [0.8, 0.7]
    assert undetected(table.truth, table.found).tolist() == [3, 2]
    assert undetected(table.truth).tolist() == [3, 0, 1, 2]
