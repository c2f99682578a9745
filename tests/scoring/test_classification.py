"""Reference. Oracle: percentages worked out by hand."""

from __future__ import annotations

import numpy as np

from darknet_py.scoring.classification import accuracy_per_class, confusion_lines, confusion_matrix


def test_a_matrix_counts_images_by_label_and_prediction() -> None:
    found = confusion_matrix(np.array([0, 0, 2, 0]), np.array([0, 1, 2, 1]), 3)
    assert found.tolist() == [[1, 2, 0], [0, 0, 0], [0, 0, 1]]
    assert accuracy_per_class(found) == [1 / 3, None, 1]


def test_the_confusion_of_few_classes_is_a_table_in_percent_of_its_rows():
    found = confusion_lines([[3, 1], [0, 0]], ["cat", "d\x1b[31mog"])
    assert found[-2:] == [f"{'cat':11}   75   25", "d\\x1b[31mog    0    0"]


def test_of_many_classes_the_pairs_that_are_confused_are_told_the_worst_first():
    counts = np.diag([4] * 30)
    counts[7, 2], counts[3, 9] = 1, 4
    lines = confusion_lines(counts.tolist(), [f"class{k}" for k in range(30)])
    assert lines[1:] == [
        "confused most often, percent",
        "  50  class3 for class9",
        "  20  class7 for class2",
    ]
    assert len(confusion_lines(np.ones((30, 30), int).tolist(), ["x"] * 30, most=5)) == 7
